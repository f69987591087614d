{#-
    Joins rows to the time zones that a retailer has loaded: the one of their location, else of their channel, else of
    the retailer. `zone` of the joined rows is the first of these, and UTC where none is known.

    rows: the alias of the rows; location, channel: their columns.
-#}
{% macro join_zones(rows, location, channel=none) -%}
    {%- set places = {'location': location, 'channel': channel, 'retailer': none} -%}
    {%- for place, column in places.items() if column or place == 'retailer' %}
    left join {{ ref('stg_zones') }} as zone_of_{{ place }}
        on {{ rows }}.tenant = zone_of_{{ place }}.tenant
        and zone_of_{{ place }}.place = '{{ place }}'
        {%- if column %}
        and {{ rows }}.{{ column }} = zone_of_{{ place }}.place_id
        {%- endif %}
    {%- endfor %}
{%- endmacro %}
