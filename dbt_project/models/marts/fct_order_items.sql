{%- set sources = ['stg_order_events', 'stg_return_orders', 'stg_fulfillment_orders'] -%}
{%- set zones = {'rows': 'int_orders', 'location': 'demand_location_id', 'channel': 'channel'} -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources, 'zones': zones}) }}
-- depends_on: {{ ref('stg_order_events') }}, {{ ref('stg_return_orders') }}, {{ ref('stg_fulfillment_orders') }}

with units as (

    select
        * exclude (quantity),
        quantity as told_quantity
    from {{ touched_rows('int_order_units') }}

),

lines as (

    select *
    from {{ touched_rows('int_order_lines') }}

),

orders as (

    select
        tenant,
        order_id,
        currency,
        ordered_at,
        business_date,
        is_sale
    from {{ touched_rows('int_orders') }}

),

return_lines as (

    select
        tenant,
        order_id,
        item_id,
        currency,
        refund_amount
    from {{ touched_rows('int_return_lines') }}
    where order_id is not null

),

refunds as (

    select
        return_lines.tenant,
        return_lines.order_id,
        return_lines.item_id,
        coalesce(return_lines.currency, orders.currency) as currency,
        try_cast(sum(return_lines.refund_amount) as decimal(18, 4)) as refund_amount
    from return_lines
    left join orders on return_lines.tenant = orders.tenant and return_lines.order_id = orders.order_id
    group by all

),

-- Amounts in another currency than the unit's own stay in fct_return_items.
described as (

    select
        units.*,
        lines.item_type,
        coalesce(lines.quantity, units.told_quantity) as quantity,
        lines.pricebook_price,
        lines.list_price,
        lines.item_discounts,
        lines.order_discounts,
        lines.tax,
        coalesce(lines.currency, units.returned_currency) as currency,
        lines.shipping_service_level,
        lines.shipping_method,
        lines.is_preorder,
        refunds.refund_amount,
        orders.ordered_at,
        orders.business_date,
        coalesce(orders.is_sale, false) as is_sale_of_order
    from units
    left join lines
        on units.tenant = lines.tenant
        and units.order_id = lines.order_id
        and units.ordered_item_id = lines.item_id
    left join orders on units.tenant = orders.tenant and units.order_id = orders.order_id
    left join refunds
        on units.tenant = refunds.tenant
        and units.order_id = refunds.order_id
        and units.item_id = refunds.item_id
        and coalesce(lines.currency, units.returned_currency) is not distinct from refunds.currency

),

final as (

    select
        tenant,
        order_id,
        item_id,
        product_id,
        item_type,
        status,
        quantity,
        pricebook_price,
        list_price,
        item_discounts,
        order_discounts,
        try_cast(
            {{ of_all_units('pricebook_price', 'quantity') }}
            - coalesce(item_discounts, 0)
            - coalesce(order_discounts, 0)
            as decimal(18, 4)
        ) as net_amount,
        tax,
        currency,
        shipping_service_level,
        shipping_method,
        is_preorder,
        fulfillment_location_id,
        assigned_at,
        on_hold_at,
        hold_reason,
        fulfilled_at,
        cancelled_at,
        cancellation_reason,
        swapped_to_item_id,
        returned_at,
        case when returned_quantity > quantity then quantity else returned_quantity::bigint end as returned_quantity,
        refund_amount,
        ordered_at,
        business_date,
        is_sale_of_order
        and swapped_to_item_id is null
        and coalesce(lower(item_type), '') != 'shipping' as is_sale
    from described

)

select * from final
