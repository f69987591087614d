{{ config(meta={'entity': ['tenant', 'location_id', 'product_id'], 'sources': ['int_stock_sightings']}) }}
-- depends_on: {{ ref('int_stock_sightings') }}

-- No count says which part of the stock it counted, so it is of the one that movements are of which name none.
{%- set main = "'main'" %}

with counted as (

    select
        tenant,
        location_id,
        product_id,
        {{ main }} as stock_location_name,
        arg_max(counted_quantity, (completed_at, count_id)) as last_counted_quantity,
        max(completed_at) as last_counted_at
    from {{ touched_rows('fct_inventory_counts') }}
    where is_complete and counted_quantity is not null and location_id is not null
    group by tenant, location_id, product_id

),

movements as (

    select
        tenant,
        location_id,
        product_id,
        coalesce(stock_location_name, {{ main }}) as stock_location_name,
        quantity_change,
        occurred_at
    from {{ touched_rows('fct_inventory_movements') }}
    where location_id is not null and product_id is not null

),

moved as (

    select
        movements.tenant,
        movements.location_id,
        movements.product_id,
        movements.stock_location_name,
        sum(movements.quantity_change) filter (
            where counted.last_counted_at is null or movements.occurred_at > counted.last_counted_at
        ) as units
    from movements
    left join counted
        on movements.tenant = counted.tenant
        and movements.location_id = counted.location_id
        and movements.product_id = counted.product_id
        and movements.stock_location_name = counted.stock_location_name
    group by movements.tenant, movements.location_id, movements.product_id, movements.stock_location_name

),

final as (

    select
        coalesce(moved.tenant, counted.tenant) as tenant,
        coalesce(moved.location_id, counted.location_id) as location_id,
        coalesce(moved.stock_location_name, counted.stock_location_name) as stock_location_name,
        coalesce(moved.product_id, counted.product_id) as product_id,
        try_cast(coalesce(counted.last_counted_quantity, 0) + coalesce(moved.units, 0)::hugeint as bigint) as on_hand
    from moved
    full outer join counted
        on moved.tenant = counted.tenant
        and moved.location_id = counted.location_id
        and moved.product_id = counted.product_id
        and moved.stock_location_name = counted.stock_location_name

)

select * from final
