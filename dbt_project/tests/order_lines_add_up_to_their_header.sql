{{ config(severity='warn') }}

-- Totals as NewStore sent them beside those of the header's units, to be looked at and not refused. Units that only
-- other events name have no amounts, and a swapped unit would count twice.
with units as (

    select
        tenant,
        order_id,
        sum(pricebook_price * quantity) as subtotal,
        sum(coalesce(item_discounts, 0) + coalesce(order_discounts, 0)) as discount_total
    from {{ ref('fct_order_items') }}
    where swapped_to_item_id is null and pricebook_price is not null
    group by tenant, order_id

)

select
    orders.tenant,
    orders.order_id,
    orders.subtotal,
    units.subtotal as units_subtotal,
    orders.discount_total,
    units.discount_total as units_discount_total
from {{ ref('fct_orders') }} as orders
inner join units on orders.tenant = units.tenant and orders.order_id = units.order_id
where
    abs(orders.subtotal - units.subtotal) > 0.01
    or abs(orders.discount_total - units.discount_total) > 0.01
