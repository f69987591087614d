{%- set sources = ['stg_order_events', 'stg_return_orders', 'stg_fulfillment_orders'] -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources}) }}
-- depends_on: {{ ref('stg_order_events') }}, {{ ref('stg_return_orders') }}, {{ ref('stg_fulfillment_orders') }}

-- An order without a header has no day, no channel and no currency yet; one imported from another system is no sale.
with orders as (

    select
        orders.tenant,
        orders.order_id,
        {{ day('orders.ordered_at') }} as ordered_on,
        coalesce(orders.channel_type, 'unknown') as channel_type,
        coalesce(orders.channel, 'unknown') as channel,
        coalesce(orders.currency, 'XXX') as currency,
        coalesce(orders.shipping_total, 0) as shipping
    from {{ touched_rows('fct_orders') }} as orders
    where orders.is_sale

),

units as (

    select
        items.tenant,
        items.order_id,
        items.quantity,
        items.pricebook_price,
        items.item_discounts,
        items.order_discounts,
        items.tax,
        {{ day('items.cancelled_at') }} as cancelled_on
    from {{ touched_rows('fct_order_items') }} as items
    where
        items.swapped_to_item_id is null
        and lower(items.item_type) is distinct from 'shipping'

),

amounts as (

    select
        tenant,
        order_id,
        sum(quantity) as units,
        coalesce(sum({{ of_all_units('pricebook_price', 'quantity') }}), 0) as gross_sales,
        -- What is taken off an unknown price is no part of sales, nor of net_amount.
        coalesce(sum(item_discounts) filter (where pricebook_price is not null), 0)
        + coalesce(sum(order_discounts) filter (where pricebook_price is not null), 0) as discounts,
        coalesce(sum(tax), 0) as tax
    from units
    group by tenant, order_id

),

cancelled as (

    select
        tenant,
        order_id,
        cancelled_on,
        sum(quantity) as units
    from units
    where cancelled_on is not null
    group by tenant, order_id, cancelled_on

),

bookings as (

    select
        orders.tenant,
        orders.order_id,
        orders.ordered_on as date,
        1 as orders,
        coalesce(amounts.units, 0) as units,
        coalesce(amounts.gross_sales, 0) as gross_sales,
        coalesce(amounts.discounts, 0) as discounts,
        coalesce(amounts.tax, 0) as tax,
        orders.shipping,
        0 as cancelled_units
    from orders
    left join amounts on orders.tenant = amounts.tenant and orders.order_id = amounts.order_id
    union all
    select
        tenant,
        order_id,
        cancelled_on as date,
        0 as orders,
        0 as units,
        0 as gross_sales,
        0 as discounts,
        0 as tax,
        0 as shipping,
        units as cancelled_units
    from cancelled

),

-- As wide as sums are: what no column of a mart can hold is null there, and not left out of a sum here.
final as (

    select
        orders.tenant,
        orders.order_id,
        bookings.date,
        orders.channel_type,
        orders.channel,
        orders.currency,
        sum(bookings.orders)::bigint as orders,
        sum(bookings.units)::hugeint as units,
        sum(bookings.gross_sales) as gross_sales,
        sum(bookings.discounts) as discounts,
        sum(bookings.tax) as tax,
        sum(bookings.shipping) as shipping,
        sum(bookings.cancelled_units)::hugeint as cancelled_units
    from orders
    inner join bookings on orders.tenant = bookings.tenant and orders.order_id = bookings.order_id
    group by all

)

select * from final
