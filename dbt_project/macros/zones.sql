{#-
    Rows with the local time of something that happened: `local_time`, without a zone. It is in the zone that a retailer
    has loaded of their location, else of their channel, else of the retailer itself; else in UTC.

    rows: the relation; time, location, channel: its columns.

    DuckDB looks up a zone for each row, which takes 25 times as long as one zone for all, so UTC is told apart.
-#}
{% macro with_local_time(rows, time, location, channel=none) %}
    {%- set places = {'location': location} -%}
    {%- if channel -%}
        {%- do places.update({'channel': channel}) -%}
    {%- endif %}
    select
        * exclude (zone),
        case when zone is null then timezone('UTC', {{ time }}) else timezone(zone, {{ time }}) end as local_time
    from (
        select
            {{ rows }}.*,
            nullif(
                coalesce(
                    {%- for place in places %}
                    zone_of_{{ place }}.time_zone,
                    {%- endfor %}
                    zone_of_retailer.time_zone
                ),
                'UTC'
            ) as zone
        from {{ rows }}
        {%- for place, column in places.items() %}
        left join {{ ref('stg_zones') }} as zone_of_{{ place }}
            on {{ rows }}.tenant = zone_of_{{ place }}.tenant
            and zone_of_{{ place }}.place = '{{ place }}'
            and {{ rows }}.{{ column }} = zone_of_{{ place }}.place_id
        {%- endfor %}
        left join {{ ref('stg_zones') }} as zone_of_retailer
            on {{ rows }}.tenant = zone_of_retailer.tenant
            and zone_of_retailer.place = 'retailer'
    ) as zoned
{% endmacro %}
