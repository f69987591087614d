{%- set position = built_position() -%}
{{ config(
    unique_key=['tenant', 'place', 'place_id'],
    materialized='by_key',
    meta={'sources': ['stg_reference_events']},
) }}

with said as (

    select
        tenant,
        split_part(event_name, '.', 2) as place,
        case event_name
            when 'reference.location' then location_id
            when 'reference.channel' then channel
            else ''
        end as place_id,
        {{ said('payload.time_zone') }} as time_zone,
        published_at,
        payload_hash,
        changed_batch
    from {{ ref('stg_reference_events') }}
    where event_name in ('reference.retailer', 'reference.location', 'reference.channel')

),

newest as (

    select
        tenant,
        place,
        place_id,
        arg_max({ 'zone': time_zone }, (published_at, payload_hash)).zone as time_zone
    from said
    group by tenant, place, place_id
    having max(changed_batch) > {{ position }}

),

-- A zone that DuckDB does not know would end every query that converts a time to it.
news as (

    select
        newest.tenant,
        newest.place,
        newest.place_id,
        zones.name as time_zone
    from newest
    left join pg_timezone_names() as zones on newest.time_zone = zones.name

),

{% if is_partial() -%}
known as (

    select
        tenant,
        place,
        place_id,
        time_zone as known_zone
    from {{ this }}

),

-- A new name of a store must touch nothing of what happened there.
changed as (

    select
        news.tenant,
        news.place,
        news.place_id,
        news.time_zone
    from news
    left join known on news.tenant = known.tenant and news.place = known.place and news.place_id = known.place_id
    where news.time_zone is distinct from known.known_zone

),

{% else -%}
changed as (

    select * from news
    where time_zone is not null

),

{% endif -%}
final as (

    select
        *,
        {{ log_position() }}::bigint as changed_batch
    from changed

)

select * from final
