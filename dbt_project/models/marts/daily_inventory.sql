{%- set movement_types = ['received', 'fulfilled', 'returned', 'adjusted', 'transferred'] -%}
{{ config(meta={'entity': ['tenant', 'location_id', 'product_id'], 'sources': ['int_stock_sightings']}) }}
-- depends_on: {{ ref('int_stock_sightings') }}

with counts as (

    {{ complete_counts() }}

),

movements as (

    select
        tenant,
        location_id,
        product_id,
        {{ day('occurred_at') }} as date,
        occurred_at,
        movement_type,
        coalesce(quantity_change, 0) as units
    from {{ ref('fct_inventory_movements') }}
    where location_id is not null and product_id is not null {{ and_touched() }}

),

moved as (

    select
        tenant,
        location_id,
        product_id,
        date,
        {%- for movement_type in movement_types %}
        coalesce(sum(units) filter (where movement_type = '{{ movement_type }}'), 0) as {{ movement_type }},
        {%- endfor %}
        sum(units) as change
    from movements
    group by all

),

-- The last count of a day says what is there then, whatever the ledger expected; of two at one moment the greater id.
last_counts as (

    select
        tenant,
        location_id,
        product_id,
        {{ day('completed_at') }} as date,
        max(completed_at) as counted_at,
        arg_max(counted_quantity, (completed_at, count_id)) as quantity
    from counts
    group by all

),

-- What moves at the very moment of a count is in the count.
counted as (

    select
        last_counts.tenant,
        last_counts.location_id,
        last_counts.product_id,
        last_counts.date,
        any_value(last_counts.quantity) + coalesce(sum(movements.units), 0)::hugeint as closing
    from last_counts
    left join movements
        on last_counts.tenant = movements.tenant
        and last_counts.location_id = movements.location_id
        and last_counts.product_id = movements.product_id
        and last_counts.date = movements.date
        and last_counts.counted_at < movements.occurred_at
    group by all

),

days as (

    select
        coalesce(moved.tenant, counted.tenant) as tenant,
        coalesce(moved.location_id, counted.location_id) as location_id,
        coalesce(moved.product_id, counted.product_id) as product_id,
        coalesce(moved.date, counted.date) as date,
        {%- for movement_type in movement_types %}
        coalesce(moved.{{ movement_type }}, 0) as {{ movement_type }},
        {%- endfor %}
        coalesce(moved.change, 0) as change,
        counted.closing as counted
    from moved
    full join counted
        on moved.tenant = counted.tenant
        and moved.location_id = counted.location_id
        and moved.product_id = counted.product_id
        and moved.date = counted.date

),

-- A pair's days up to the next one that ends on a count.
spans as (

    select
        *,
        count(counted) over (
            partition by tenant, location_id, product_id
            order by date
            rows between unbounded preceding and current row
        ) as counts_so_far
    from days

),

closed as (

    select
        *,
        sum(coalesce(counted, change)) over (
            partition by tenant, location_id, product_id, counts_so_far
            order by date
            rows between unbounded preceding and current row
        ) as closing
    from spans

),

opened as (

    select
        *,
        coalesce(lag(closing) over (partition by tenant, location_id, product_id order by date), 0) as opening
    from closed

),

final as (

    select
        tenant,
        date,
        location_id,
        product_id,
        try_cast(opening as bigint) as opening,
        {%- for movement_type in movement_types %}
        try_cast({{ movement_type }} as bigint) as {{ movement_type }},
        {%- endfor %}
        -- What it found beyond what was expected; of several counts of a day, all together.
        try_cast(closing - opening - change as bigint) as counted_variance,
        try_cast(closing as bigint) as closing
    from opened

)

select * from final
