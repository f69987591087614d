-- A header counts its units as they are: none twice, none left out, whatever else joins the order.
with units as (

    select
        tenant,
        order_id,
        sum(quantity) as item_count,
        sum(quantity) filter (where status = 'cancelled') as cancelled_item_count,
        sum(returned_quantity) as returned_item_count
    from {{ ref('fct_order_items') }}
    where swapped_to_item_id is null and lower(item_type) is distinct from 'shipping'
    group by tenant, order_id

)

select
    orders.tenant,
    orders.order_id,
    orders.item_count,
    units.item_count as units
from {{ ref('fct_orders') }} as orders
full join units on orders.tenant = units.tenant and orders.order_id = units.order_id
where
    orders.item_count is distinct from coalesce(units.item_count, 0)
    or orders.cancelled_item_count is distinct from coalesce(units.cancelled_item_count, 0)
    or orders.returned_item_count is distinct from coalesce(units.returned_item_count, 0)
