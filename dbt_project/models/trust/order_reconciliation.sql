{{ config(
    materialized='by_entity',
    meta={
        'entity': ['tenant', 'order_id'],
        'sources': [
            'stg_order_events', 'stg_payment_orders', 'stg_refund_orders', 'stg_return_orders', 'stg_invoice_orders',
        ],
    },
) }}
-- depends_on: {{ ref('stg_order_events') }}, {{ ref('stg_payment_orders') }}
-- depends_on: {{ ref('stg_refund_orders') }}, {{ ref('stg_return_orders') }}, {{ ref('stg_invoice_orders') }}

with orders as (

    select
        tenant,
        order_id,
        has_header,
        is_exchange,
        price_method,
        cancelled_at,
        currency,
        grand_total
    from {{ ref('fct_orders') }}
    {%- if is_partial() %}
    where {{ is_touched('tenant', 'order_id') }}
    {%- endif %}

),

-- Prices hold their tax or not, as the order says.
cancelled_units as (

    select
        items.tenant,
        items.order_id,
        sum(items.net_amount) as net_amount,
        sum(items.tax) as tax
    from {{ ref('fct_order_items') }} as items
    where
        items.status = 'cancelled'
        and items.swapped_to_item_id is null
        {{ and_touched('items') }}
    group by items.tenant, items.order_id

),

-- Every amount comes alone, so that no two of an order's children ever meet in a join.
amounts as (

    select
        tenant,
        order_id,
        currency,
        'ordered' as kind,
        grand_total as amount
    from orders
    where grand_total is not null
    union all
    select
        orders.tenant,
        orders.order_id,
        orders.currency,
        'cancelled' as kind,
        case
            when orders.cancelled_at is not null then orders.grand_total
            when orders.price_method = 'tax_included' then cancelled_units.net_amount
            else cancelled_units.net_amount::decimal(38, 4) + coalesce(cancelled_units.tax, 0)
        end as amount
    from orders
    left join cancelled_units
        on orders.tenant = cancelled_units.tenant and orders.order_id = cancelled_units.order_id
    union all
    select
        tenant,
        order_id,
        currency,
        transaction_type as kind,
        coalesce(amount, 0) as amount
    from {{ near('fct_payment_transactions') }}
    where true {{ and_touched() }}
    union all
    select
        tenant,
        order_id,
        currency,
        'invoiced' as kind,
        amount
    from {{ near('fct_invoices') }}
    where order_id is not null {{ and_touched() }}
    union all
    select
        tenant,
        order_id,
        currency,
        'refund_requested' as kind,
        amount
    from {{ near('fct_refund_requests') }}
    where order_id is not null {{ and_touched() }}
    union all
    select
        tenant,
        order_id,
        currency,
        'returned' as kind,
        coalesce(total_refund_amount_adjusted, total_refund_amount) as amount
    from {{ near('fct_returns') }}
    where order_id is not null {{ and_touched() }}
    union all
    -- Its money is paid under the order that NewStore made up for it.
    select
        tenant,
        blind_order_id as order_id,
        currency,
        'returned' as kind,
        coalesce(total_refund_amount_adjusted, total_refund_amount) as amount
    from {{ near('fct_returns', ['tenant', 'blind_order_id']) }}
    where
        is_blind
        and blind_order_id is not null
        {%- if is_partial() %}
        and {{ is_touched('tenant', 'blind_order_id') }}
        {%- endif %}

),

-- What says no currency is taken to be in the order's.
amounts_in_currency as (

    select
        amounts.tenant,
        amounts.order_id,
        coalesce(nullif(amounts.currency, 'XXX'), orders.currency, 'XXX') as currency,
        amounts.kind,
        amounts.amount
    from amounts
    left join orders on amounts.tenant = orders.tenant and amounts.order_id = orders.order_id
    where amounts.amount is not null

),

totals as (

    select
        tenant,
        order_id,
        currency,
        try_cast(sum(amount) filter (where kind = 'ordered') as decimal(18, 4)) as ordered,
        try_cast(coalesce(sum(amount) filter (where kind = 'cancelled'), 0) as decimal(18, 4)) as cancelled,
        try_cast(sum(amount) filter (where kind = 'invoiced') as decimal(18, 4)) as invoiced,
        try_cast(coalesce(sum(amount) filter (where kind = 'authorized'), 0) as decimal(18, 4)) as authorized,
        try_cast(coalesce(sum(amount) filter (where kind = 'captured'), 0) as decimal(18, 4)) as captured,
        try_cast(coalesce(sum(amount) filter (where kind = 'refunded'), 0) as decimal(18, 4)) as refunded,
        try_cast(
            coalesce(sum(amount) filter (where kind = 'refund_requested'), 0) as decimal(18, 4)
        ) as refund_requested,
        try_cast(coalesce(sum(amount) filter (where kind = 'returned'), 0) as decimal(18, 4)) as returned
    from amounts_in_currency
    group by tenant, order_id, currency

),

final as (

    select
        totals.tenant,
        totals.order_id,
        totals.currency,
        coalesce(orders.has_header, false) as has_header,
        orders.is_exchange,
        totals.ordered,
        totals.cancelled,
        totals.invoiced,
        totals.authorized,
        totals.captured,
        totals.refunded,
        totals.refund_requested,
        totals.returned,
        try_cast(
            totals.ordered::decimal(38, 4) - totals.cancelled - totals.invoiced as decimal(18, 4)
        ) as ordered_not_invoiced,
        try_cast(
            totals.ordered::decimal(38, 4) - totals.cancelled - totals.captured as decimal(18, 4)
        ) as ordered_not_captured,
        try_cast(totals.invoiced::decimal(38, 4) - totals.captured as decimal(18, 4)) as invoiced_not_captured,
        try_cast(totals.returned::decimal(38, 4) - totals.refunded as decimal(18, 4)) as returned_not_refunded,
        try_cast(totals.refund_requested::decimal(38, 4) - totals.refunded as decimal(18, 4)) as requested_not_refunded
    from totals
    left join orders on totals.tenant = orders.tenant and totals.order_id = orders.order_id

)

select * from final
