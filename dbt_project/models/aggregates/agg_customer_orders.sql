{%- set sources = ['stg_order_events', 'stg_return_orders', 'stg_fulfillment_orders'] -%}
{%- set zones = {'rows': 'int_orders', 'location': 'demand_location_id', 'channel': 'channel'} -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources, 'zones': zones, 'products': 'int_order_products'}) }}
-- depends_on: {{ ref('int_order_products') }}
-- depends_on: {{ ref('stg_order_events') }}, {{ ref('stg_return_orders') }}, {{ ref('stg_fulfillment_orders') }}

with orders as (

    select
        tenant,
        order_id,
        customer_key,
        customer_id,
        coalesce(channel, 'unknown') as channel,
        coalesce(currency, 'XXX') as currency,
        ordered_at,
        business_date
    from {{ touched_rows('int_orders') }}
    where customer_key is not null

),

units as (

    select *
    from {{ touched_rows('fct_order_items') }}

),

sold as (

    select
        tenant,
        order_id,
        sum(quantity) as units,
        coalesce(sum(net_amount_excl_tax), 0) as net_sales,
        coalesce(sum(cancelled_amount), 0) as cancelled_sales
    from units
    where is_sale
    group by tenant, order_id

),

returned as (

    select
        lines.tenant,
        lines.order_id,
        lines.currency,
        coalesce(
            sum(coalesce(lines.refund_excl_tax, lines.refund_amount - coalesce(lines.refund_tax, 0))), 0
        ) as returned_sales
    from {{ touched_rows('int_return_lines') }} as lines
    inner join {{ touched_rows('fct_returns') }} as returns
        on lines.tenant = returns.tenant and lines.return_id = returns.return_id
    left join units
        on lines.tenant = units.tenant and lines.order_id = units.order_id and lines.item_id = units.item_id
    where
        returns.is_historical is distinct from true
        and coalesce(units.line_kind, {{ line_kind('lines.item_type', 'false') }}) = 'product'
    group by lines.tenant, lines.order_id, lines.currency

),

bookings as (

    select
        orders.*,
        1 as orders,
        coalesce(sold.units, 0) as units,
        coalesce(sold.net_sales, 0) as net_sales,
        coalesce(sold.cancelled_sales, 0) as cancelled_sales,
        0 as returned_sales
    from orders
    left join sold on orders.tenant = sold.tenant and orders.order_id = sold.order_id
    union all
    select
        orders.* replace (coalesce(returned.currency, orders.currency) as currency),
        0 as orders,
        0 as units,
        0 as net_sales,
        0 as cancelled_sales,
        returned.returned_sales
    from orders
    inner join returned on orders.tenant = returned.tenant and orders.order_id = returned.order_id

),

final as (

    select
        tenant,
        order_id,
        customer_key,
        customer_id,
        channel,
        currency,
        ordered_at,
        business_date,
        sum(orders)::bigint as orders,
        sum(units)::hugeint as units,
        sum(net_sales) as net_sales,
        sum(cancelled_sales) as cancelled_sales,
        sum(returned_sales) as returned_sales
    from bookings
    group by all

)

select * from final
