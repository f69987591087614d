{{ config(meta={'entity': ['tenant', 'location_id', 'product_id'], 'sources': ['int_stock_sightings']}) }}
-- depends_on: {{ ref('int_stock_sightings') }}

with counts as (

    {{ complete_counts() }}

),

-- What moves at the very moment of a count is in the count.
ledger as (

    select
        tenant,
        location_id,
        product_id,
        occurred_at,
        movement_type,
        coalesce(quantity_change, 0) as quantity_change,
        null::varchar as count_id,
        null::bigint as counted_quantity
    from {{ ref('fct_inventory_movements') }}
    where location_id is not null and product_id is not null {{ and_touched() }}
    union all
    select
        tenant,
        location_id,
        product_id,
        completed_at as occurred_at,
        'counted' as movement_type,
        0 as quantity_change,
        count_id,
        counted_quantity
    from counts

),

moved as (

    select
        *,
        sum(quantity_change) over (
            partition by tenant, location_id, product_id
            order by occurred_at, count_id nulls first
            range between unbounded preceding and current row
        ) as moved_so_far
    from ledger

),

-- The ledger expects what was counted before and what has moved since.
counted as (

    select
        tenant,
        location_id,
        product_id,
        occurred_at,
        counted_quantity - coalesce(lag(counted_quantity) over counts_of_pair, 0)
        - (moved_so_far - coalesce(lag(moved_so_far) over counts_of_pair, 0)) as variance
    from moved
    where movement_type = 'counted'
    window counts_of_pair as (partition by tenant, location_id, product_id order by occurred_at, count_id)

),

changes as (

    select
        tenant,
        location_id,
        product_id,
        occurred_at,
        movement_type,
        quantity_change as units
    from ledger
    where movement_type != 'counted'
    union all
    select
        tenant,
        location_id,
        product_id,
        occurred_at,
        'counted' as movement_type,
        variance as units
    from counted

),

days as (

    select
        tenant,
        {{ day('occurred_at') }} as date,
        location_id,
        product_id,
        {%- for movement_type in ['received', 'fulfilled', 'returned', 'adjusted', 'transferred'] %}
        coalesce(sum(units) filter (where movement_type = '{{ movement_type }}'), 0)::bigint as {{ movement_type }},
        {%- endfor %}
        coalesce(sum(units) filter (where movement_type = 'counted'), 0)::bigint as counted_variance,
        sum(units)::bigint as change
    from changes
    group by all

),

closed as (

    select
        *,
        (sum(change) over (
            partition by tenant, location_id, product_id
            order by date
            rows between unbounded preceding and current row
        ))::bigint as closing
    from days

),

final as (

    select
        tenant,
        date,
        location_id,
        product_id,
        closing - change as opening,
        received,
        fulfilled,
        returned,
        adjusted,
        transferred,
        counted_variance,
        closing
    from closed

)

select * from final
