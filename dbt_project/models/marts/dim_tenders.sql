{%- set position = built_position() -%}
{{ config(
    unique_key=['tenant', 'payment_method'],
    materialized='by_key',
    meta={'sources': ['stg_payment_events', 'stg_reference_events']},
) }}

with instruments as (

    select
        tenant,
        published_at,
        unnest(payload.instruments) as instrument
    from {{ ref('stg_payment_events') }}
    where changed_batch > {{ position }}

),

sightings as (

    select
        tenant,
        {{ said('instrument.payment_method') }} as payment_method,
        {{ said('instrument.payment_provider') }} as payment_provider,
        published_at
    from instruments
    union all
    select
        tenant,
        payment_method,
        {{ said('payload.payment_provider') }} as payment_provider,
        published_at
    from {{ ref('stg_reference_events') }}
    where changed_batch > {{ position }}

),

news as (

    select
        tenant,
        payment_method,
        payment_provider,
        min(published_at) as first_seen_at
    from sightings
    where payment_method is not null
    group by tenant, payment_method, payment_provider

),

-- A payment may name no provider, so a method is replaced with all its providers.
met as (

    select
        tenant,
        payment_method,
        payment_provider,
        min(first_seen_at) as first_seen_at
    from (
        select * from news
        {%- if is_partial() %}
        union all
        select
            known.tenant,
            known.payment_method,
            known.payment_provider,
            known.first_seen_at
        from {{ this }} as known
        where (known.tenant, known.payment_method) in (select (news.tenant, news.payment_method) from news)
        {%- endif %}
    ) as either
    group by tenant, payment_method, payment_provider

),

described as (

    {{ newest_reference(
        'reference.tender', ['payment_method', said('payload.payment_provider') ~ ' as payment_provider']
    ) }}

),

named as (

    select
        met.tenant,
        met.payment_method,
        met.payment_provider,
        {{ said('described.said.name') }} as name,
        {{ said('described.said.kind') }} as kind,
        met.first_seen_at
    from met
    left join described
        on
        met.tenant = described.tenant
        and met.payment_method = described.payment_method
        and met.payment_provider is not distinct from described.payment_provider

),

final as (

    select * from named
    {%- if is_partial() %}
    where
        (tenant, payment_method) in (
            select (changed.tenant, changed.payment_method)
            from (
                select * from named
                except
                select * from {{ this }}
            ) as changed
        )
    {%- endif %}

)

select * from final
