{{ config(materialized='whole') }}

with retailers as (

    {{ newest_reference('reference.retailer', []) }}

),

events as (

    select
        *,
        {{ said('payload.currency') }} as currency,
        {{ said('payload.to_currency') }} as to_currency,
        try_cast({{ said('payload.valid_from') }} as date) as valid_from
    from {{ ref('stg_reference_events') }}
    where event_name = 'reference.rate'

),

newest as (

    {{ newest_reference('reference.rate', ['currency', 'to_currency', 'valid_from'], 'events') }}

),

-- A rate holds until the next day for which one is said. An amount in the retailer's own currency is what it is.
rates as (

    select
        tenant,
        currency,
        to_currency,
        valid_from,
        try_cast({{ said('said.rate') }} as decimal(20, 12)) as rate
    from newest
    where currency != to_currency and valid_from is not null
    union all
    select
        tenant,
        {{ said('said.currency') }} as currency,
        {{ said('said.currency') }} as to_currency,
        '-infinity'::date as valid_from,
        1 as rate
    from retailers

),

final as (

    select
        rates.tenant,
        rates.currency,
        rates.to_currency as reporting_currency,
        rates.valid_from,
        lead(rates.valid_from, 1, 'infinity'::date) over (
            partition by rates.tenant, rates.currency order by rates.valid_from
        ) as valid_to,
        rates.rate
    from rates
    inner join retailers
        on rates.tenant = retailers.tenant and rates.to_currency = {{ said('retailers.said.currency') }}

)

select * from final
