{%- set position = built_position() -%}
{%- set columns = 'tenant, channel, name, time_zone, location_id, first_seen_at' -%}
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
    {%- if is_partial() %}
    union all
    select
        tenant,
        channel,
        first_seen_at as published_at
    from {{ this }}
    {%- endif %}

),

news as (

    select
        tenant,
        channel,
        min(published_at) as first_seen_at
    from sightings
    where channel is not null
    group by tenant, channel

),

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

final as (

    select {{ columns }}
    from met
    {%- if is_partial() %}
    except
    select {{ columns }}
    from {{ this }}
    {%- endif %}

)

select * from final
