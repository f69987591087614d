{{ config(materialized='whole') }}

with cards as (

    select
        items.tenant,
        coalesce(items.currency, 'XXX') as currency,
        coalesce(items.net_amount_excl_tax, 0) as amount,
        items.business_date,
        coalesce(items.cancelled_on, orders.cancelled_on) as cancelled_on
    from {{ ref('fct_order_items') }} as items
    inner join {{ ref('fct_orders') }} as orders
        on items.tenant = orders.tenant and items.order_id = orders.order_id
    where items.line_kind = 'gift_card' and items.swapped_to_item_id is null and orders.is_sale

),

-- A gift card that came back is owed no more.
returned as (

    select
        lines.tenant,
        lines.business_date,
        coalesce(lines.currency, items.currency, 'XXX') as currency,
        coalesce(lines.refund_excl_tax, lines.refund_amount - coalesce(lines.refund_tax, 0), 0) as amount
    from {{ ref('fct_return_items') }} as lines
    inner join {{ ref('fct_returns') }} as returns
        on lines.tenant = returns.tenant and lines.return_id = returns.return_id
    left join {{ ref('fct_order_items') }} as items
        on lines.tenant = items.tenant and lines.order_id = items.order_id and lines.item_id = items.item_id
    left join {{ ref('stg_product_terms') }} as terms
        on lines.tenant = terms.tenant and lines.product_id = terms.product_id
    where
        returns.is_historical is distinct from true
        and coalesce(items.line_kind, {{ line_kind('lines.item_type', 'terms.is_gift_card') }}) = 'gift_card'

),

moves as (

    select
        tenant,
        business_date,
        currency,
        'sold' as move,
        amount
    from cards
    union all
    select
        tenant,
        cancelled_on as business_date,
        currency,
        'cancelled' as move,
        amount
    from cards
    where cancelled_on is not null
    union all
    select
        tenant,
        business_date,
        currency,
        'returned' as move,
        amount
    from returned
    union all
    select
        tenant,
        date as business_date,
        currency,
        unnest(['redeemed', 'refunded_to']) as move,
        unnest([captured, refunded]) as amount
    from {{ ref('daily_tenders') }}
    where tender_kind = 'gift_card'

),

summed as (

    select
        tenant,
        business_date,
        currency,
        coalesce(sum(amount) filter (where move = 'sold'), 0) as sold,
        coalesce(sum(amount) filter (where move = 'cancelled'), 0) as cancelled,
        coalesce(sum(amount) filter (where move = 'returned'), 0) as returned,
        coalesce(sum(amount) filter (where move = 'redeemed'), 0) as redeemed,
        coalesce(sum(amount) filter (where move = 'refunded_to'), 0) as refunded_to
    from moves
    group by tenant, business_date, currency

),

final as (

    select
        tenant,
        business_date,
        currency,
        try_cast(sold as decimal(18, 4)) as sold,
        try_cast(cancelled as decimal(18, 4)) as cancelled,
        try_cast(returned as decimal(18, 4)) as returned,
        try_cast(redeemed as decimal(18, 4)) as redeemed,
        try_cast(refunded_to as decimal(18, 4)) as refunded_to,
        try_cast(sold - cancelled - returned - redeemed + refunded_to as decimal(18, 4)) as net_liability_change
    from summed

)

select * from final
