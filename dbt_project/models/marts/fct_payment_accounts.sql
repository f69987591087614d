{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': ['stg_payment_orders']}) }}
-- depends_on: {{ ref('stg_payment_orders') }}

with transactions as (

    select
        tenant,
        order_id,
        transaction_type,
        amount,
        coalesce(currency, 'XXX') as currency
    from {{ touched_rows('fct_payment_transactions') }}

),

totals as (

    select
        tenant,
        order_id,
        currency,
        try_cast(
            coalesce(sum(amount) filter (where transaction_type = 'authorized'), 0) as decimal(18, 4)
        ) as authorized,
        try_cast(coalesce(sum(amount) filter (where transaction_type = 'captured'), 0) as decimal(18, 4)) as captured,
        try_cast(coalesce(sum(amount) filter (where transaction_type = 'refunded'), 0) as decimal(18, 4)) as refunded,
        try_cast(coalesce(sum(amount) filter (where transaction_type = 'voided'), 0) as decimal(18, 4)) as voided
    from transactions
    group by tenant, order_id, currency

),

final as (

    select
        tenant,
        order_id,
        currency,
        authorized,
        captured,
        refunded,
        voided,
        try_cast(captured::decimal(38, 4) - refunded as decimal(18, 4)) as net_captured,
        try_cast(authorized::decimal(38, 4) - captured - voided as decimal(18, 4)) as authorized_not_captured
    from totals

)

select * from final
