{{ config(materialized='whole') }}

-- An authorization moves no money, and neither does its release.
with moved as (

    select
        tenant,
        business_date as date,
        demand_location_id as location_id,
        payment_method,
        payment_provider,
        coalesce(currency, 'XXX') as currency,
        count(*) as transactions,
        coalesce(sum(amount) filter (where transaction_type = 'captured'), 0) as captured,
        coalesce(sum(amount) filter (where transaction_type = 'refunded'), 0) as refunded
    from {{ ref('fct_payment_transactions') }}
    where transaction_type in ('captured', 'refunded')
    group by all

),

final as (

    select
        moved.tenant,
        moved.date,
        coalesce(moved.location_id, 'unknown') as location_id,
        coalesce(moved.payment_method, 'unknown') as payment_method,
        coalesce(moved.payment_provider, 'unknown') as payment_provider,
        moved.currency,
        sum(moved.transactions)::bigint as transactions,
        try_cast(sum(moved.captured) as decimal(18, 4)) as captured,
        try_cast(sum(moved.refunded) as decimal(18, 4)) as refunded,
        try_cast(sum(moved.captured) - sum(moved.refunded) as decimal(18, 4)) as net,
        min({{ tender_kind('tenders.kind', 'moved.payment_method') }}) as tender_kind
    from moved
    left join {{ ref('dim_tenders') }} as tenders
        on moved.tenant = tenders.tenant
        and moved.payment_method = tenders.payment_method
        and moved.payment_provider is not distinct from tenders.payment_provider
    group by all

)

select * from final
