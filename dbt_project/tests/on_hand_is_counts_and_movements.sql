-- Reckoned here line by line: what the last complete count found, and every movement after it.
with last_counts as (

    select
        tenant,
        location_id,
        product_id,
        counted_quantity,
        completed_at
    from {{ ref('fct_inventory_counts') }}
    where is_complete and counted_quantity is not null and location_id is not null
    qualify
        row_number() over (
            partition by tenant, location_id, product_id
            order by completed_at desc, count_id desc
        ) = 1

),

ledger as (

    select
        tenant,
        location_id,
        product_id,
        counted_quantity as units
    from last_counts
    union all
    select
        movements.tenant,
        movements.location_id,
        movements.product_id,
        case
            when last_counts.completed_at is null or movements.occurred_at > last_counts.completed_at
                then coalesce(movements.quantity_change, 0)
            else 0
        end as units
    from {{ ref('fct_inventory_movements') }} as movements
    left join last_counts
        on movements.tenant = last_counts.tenant
        and movements.location_id = last_counts.location_id
        and movements.product_id = last_counts.product_id
    where movements.location_id is not null and movements.product_id is not null

),

expected as (

    select
        tenant,
        location_id,
        product_id,
        sum(units) as on_hand
    from ledger
    group by tenant, location_id, product_id

)

select
    coalesce(expected.tenant, stock.tenant) as tenant,
    coalesce(expected.location_id, stock.location_id) as location_id,
    coalesce(expected.product_id, stock.product_id) as product_id,
    expected.on_hand as expected,
    stock.on_hand
from expected
full join {{ ref('fct_inventory_on_hand') }} as stock
    on expected.tenant = stock.tenant
    and expected.location_id = stock.location_id
    and expected.product_id = stock.product_id
where expected.on_hand is distinct from stock.on_hand
