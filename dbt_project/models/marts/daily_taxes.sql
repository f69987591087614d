{{ config(materialized='whole') }}

with collected as (

    select
        tenant,
        date,
        location_id,
        name,
        country_code,
        currency,
        collected,
        cancelled,
        0 as refunded,
        false as is_apportioned
    from {{ ref('agg_order_taxes') }}

),

returns as (

    select
        tenant,
        return_id,
        business_date,
        coalesce(return_location_id, 'unknown') as location_id
    from {{ ref('fct_returns') }}
    where is_historical is distinct from true

),

-- A return without an order has only its own words for its taxes.
blind_lines as (

    select
        tenant,
        return_id,
        coalesce(currency, 'XXX') as currency,
        coalesce(refund_tax, refund_amount - refund_excl_tax) as refund_tax,
        tax_lines,
        {{ named_tax('tax_lines') }} as named_tax
    from {{ ref('int_return_lines') }}
    where order_id is null

),

blind as (

    select
        tenant,
        return_id,
        name,
        country_code,
        currency,
        abs(amount) as refunded
    from (
        select
            tenant,
            return_id,
            currency,
            {{ tax_of('tax') }}
        from (
            select
                *,
                unnest(tax_lines) as tax
            from blind_lines
        ) as lines
    ) as named
    where amount is not null
    union all
    select
        tenant,
        return_id,
        'unknown' as name,
        'unknown' as country_code,
        currency,
        refund_tax - abs(named_tax) as refunded
    from blind_lines
    where refund_tax != abs(named_tax)

),

refunded as (

    select
        tenant,
        return_id,
        name,
        country_code,
        currency,
        refunded,
        is_apportioned
    from {{ ref('agg_return_taxes') }}
    union all
    select
        *,
        false as is_apportioned
    from blind

),

either as (

    select * from collected
    union all
    select
        returns.tenant,
        returns.business_date as date,
        returns.location_id,
        refunded.name,
        refunded.country_code,
        refunded.currency,
        0 as collected,
        0 as cancelled,
        refunded.refunded,
        refunded.is_apportioned
    from returns
    inner join refunded on returns.tenant = refunded.tenant and returns.return_id = refunded.return_id

),

final as (

    select
        tenant,
        date,
        location_id,
        name,
        country_code,
        currency,
        try_cast(sum(collected) as decimal(18, 4)) as collected,
        try_cast(sum(cancelled) as decimal(18, 4)) as cancelled,
        try_cast(sum(refunded) as decimal(18, 4)) as refunded,
        try_cast(sum(collected) - sum(cancelled) - sum(refunded) as decimal(18, 4)) as net,
        bool_or(is_apportioned) as is_apportioned
    from either
    group by tenant, date, location_id, name, country_code, currency

)

select * from final
