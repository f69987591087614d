{{ config(meta={'entity': ['tenant', 'location_id', 'product_id'], 'sources': ['int_stock_sightings']}) }}
-- depends_on: {{ ref('int_stock_sightings') }}

with movements as (

    select
        tenant,
        location_id,
        product_id,
        quantity_change,
        occurred_at
    from {{ touched_rows('fct_inventory_movements') }}
    where location_id is not null and product_id is not null

),

-- Complete counts alone say what is there: a count of which chunks are missing does not.
counted as (

    select
        tenant,
        location_id,
        product_id,
        arg_max(counted_quantity, (completed_at, count_id)) as last_counted_quantity,
        max(completed_at) as last_counted_at,
        min(completed_at) as first_counted_at
    from {{ touched_rows('fct_inventory_counts') }}
    where is_complete and counted_quantity is not null and location_id is not null
    group by tenant, location_id, product_id

),

moved as (

    select
        movements.tenant,
        movements.location_id,
        movements.product_id,
        sum(movements.quantity_change) filter (
            where counted.last_counted_at is null or movements.occurred_at > counted.last_counted_at
        ) as units,
        min(movements.occurred_at) as first_movement_at,
        max(movements.occurred_at) as last_movement_at
    from movements
    left join counted
        on movements.tenant = counted.tenant
        and movements.location_id = counted.location_id
        and movements.product_id = counted.product_id
    group by movements.tenant, movements.location_id, movements.product_id

),

pairs as (

    select
        tenant,
        location_id,
        product_id
    from moved
    union
    select
        tenant,
        location_id,
        product_id
    from counted

),

totals as (

    select
        pairs.tenant,
        pairs.location_id,
        pairs.product_id,
        counted.last_counted_quantity,
        counted.last_counted_at,
        coalesce(moved.units, 0)::hugeint as movements_since_count,
        least(moved.first_movement_at, counted.first_counted_at) as first_seen_at,
        moved.last_movement_at
    from pairs
    left join counted
        on pairs.tenant = counted.tenant
        and pairs.location_id = counted.location_id
        and pairs.product_id = counted.product_id
    left join moved
        on pairs.tenant = moved.tenant
        and pairs.location_id = moved.location_id
        and pairs.product_id = moved.product_id

),

final as (

    select
        tenant,
        location_id,
        product_id,
        last_counted_quantity,
        last_counted_at,
        try_cast(movements_since_count as bigint) as movements_since_count,
        try_cast(coalesce(last_counted_quantity, 0) + movements_since_count as bigint) as on_hand,
        first_seen_at,
        last_movement_at
    from totals

)

select * from final
