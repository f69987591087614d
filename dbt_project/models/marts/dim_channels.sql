{%- set position = built_position() -%}
{{ config(
    unique_key=['tenant', 'channel'],
    materialized='by_key',
    meta={'sources': ['stg_order_events', 'stg_reference_events']},
) }}

with sightings as (

    select
        tenant,
        {{ said('payload.channel') }} as channel,
        published_at
    from {{ ref('stg_order_events') }}
    where changed_batch > {{ position }}
    union all
    select
        tenant,
        channel,
        published_at
    from {{ ref('stg_reference_events') }}
    where changed_batch > {{ position }}

),

arrived as (

    select
        tenant,
        channel,
        min(published_at) as first_seen_at
    from sightings
    where channel is not null
    group by tenant, channel

),

{% if is_partial() -%}
known as (

    select
        tenant,
        channel,
        first_seen_at as known_at
    from {{ this }}

),

news as (

    select
        arrived.tenant,
        arrived.channel,
        least(arrived.first_seen_at, known.known_at) as first_seen_at
    from arrived
    left join known on arrived.tenant = known.tenant and arrived.channel = known.channel

),

{% else -%}
news as (

    select * from arrived

),

{% endif -%}

described as (

    {{ newest_reference('reference.channel', ['channel']) }}

),

met as (

    select
        news.tenant,
        news.channel,
        {{ said('described.said.name') }} as name,
        {{ said('described.said.time_zone') }} as time_zone,
        {{ said('described.said.location_id') }} as location_id,
        news.first_seen_at
    from news
    left join described on news.tenant = described.tenant and news.channel = described.channel

),

{% if is_partial() -%}
unchanged as (

    select
        tenant,
        channel,
        name,
        time_zone,
        location_id,
        first_seen_at
    from {{ this }}

),

final as (

    select * from met
    except
    select * from unchanged

)

{% else -%}
final as (

    select * from met

)

{% endif -%}

select * from final
