{%- set movement_types = ['received', 'fulfilled', 'returned', 'adjusted', 'transferred'] -%}
{{ config(
    unique_key=['tenant', 'location_id', 'product_id', 'date'],
    materialized='by_key',
    meta={'entity': ['tenant', 'location_id', 'product_id', 'date'], 'sources': ['int_stock_sightings']},
) }}
-- depends_on: {{ ref('int_stock_sightings') }}

with

{% if is_partial() -%}
-- A pair's days are made anew from the first on which something may be other than it was: each opens with what the one
-- before it left.
changed as (

    select
        tenant,
        location_id,
        product_id,
        min(first_date) as since,
        min(first_date)::timestamp at time zone 'UTC' as since_at
    from {{ ref('int_stock_sightings') }}
    where
        changed_batch > {{ built_position() }}
        and location_id is not null
        and product_id is not null
        and first_date is not null
    group by tenant, location_id, product_id

),

known as (

    select
        earlier.tenant,
        earlier.location_id,
        earlier.product_id,
        earlier.date,
        earlier.closing,
        earlier.date < changed.since as is_before
    from {{ this }} as earlier
    inner join changed
        on earlier.tenant = changed.tenant
        and earlier.location_id = changed.location_id
        and earlier.product_id = changed.product_id

),

{% endif -%}
movements as (

    select
        moves.tenant,
        moves.location_id,
        moves.product_id,
        {{ day('moves.occurred_at') }} as date,
        moves.occurred_at,
        moves.movement_type,
        coalesce(moves.quantity_change, 0) as units
    from {{ ref('fct_inventory_movements') }} as moves
    {{ join_changed('moves', 'moves.occurred_at >= changed.since_at') }}
    where moves.location_id is not null and moves.product_id is not null

),

complete_counts as (

    {{ complete_counts() }}

),

counts as (

    select
        complete_counts.*,
        {{ day('complete_counts.completed_at') }} as date
    from complete_counts
    {{ join_changed('complete_counts', 'complete_counts.completed_at >= changed.since_at') }}

),

-- The last count of a day says what is there then, whatever the ledger expected; of two at one moment the greater id.
last_counts as (

    select
        tenant,
        location_id,
        product_id,
        date,
        max(completed_at) as counted_at,
        arg_max(counted_quantity, (completed_at, count_id)) as quantity
    from counts
    group by tenant, location_id, product_id, date

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
    group by last_counts.tenant, last_counts.location_id, last_counts.product_id, last_counts.date

),

either as (

    select
        tenant,
        location_id,
        product_id,
        date,
        movement_type,
        units,
        null::hugeint as counted,
        false as is_uncertain,
        true as is_told
    from movements
    union all
    select
        tenant,
        location_id,
        product_id,
        date,
        null as movement_type,
        null as units,
        closing as counted,
        false as is_uncertain,
        true as is_told
    from counted
    {%- if is_partial() %}
    union all
    -- What is left at the end of the last day before these is as good as counted.
    select
        tenant,
        location_id,
        product_id,
        max(date) as date,
        null as movement_type,
        null as units,
        coalesce(arg_max_null(closing, date), 0) as counted,
        arg_max_null(closing, date) is null as is_uncertain,
        false as is_told
    from known
    where is_before
    group by tenant, location_id, product_id
    union all
    -- A day of which a correction has taken all away stays, empty, so that what is made from it learns of that.
    select
        tenant,
        location_id,
        product_id,
        date,
        null as movement_type,
        null as units,
        null as counted,
        false as is_uncertain,
        false as is_told
    from known
    where not is_before
    {%- endif %}

),

days as (

    select
        tenant,
        location_id,
        product_id,
        date,
        {%- for movement_type in movement_types %}
        coalesce(sum(units) filter (where movement_type = '{{ movement_type }}'), 0) as {{ movement_type }},
        {%- endfor %}
        coalesce(sum(units), 0)::hugeint as change,
        max(counted) as counted,
        bool_or(is_uncertain) as is_uncertain,
        not bool_or(is_told) as is_empty
    from either
    group by tenant, location_id, product_id, date

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

summed as (

    select
        *,
        sum(coalesce(counted, change)) over (
            partition by tenant, location_id, product_id, counts_so_far
            order by date
            rows between unbounded preceding and current row
        ) as units_left
    from spans

),

-- After a day that ends on more than a column can hold nobody knows what is there, until the next count.
closed as (

    select
        *,
        case
            when not bool_or(is_uncertain or try_cast(units_left as bigint) is null) over (
                partition by tenant, location_id, product_id, counts_so_far
                order by date
                rows between unbounded preceding and current row
            ) then units_left
        end as closing
    from summed

),

opened as (

    select
        *,
        lag(closing, 1, 0) over (partition by tenant, location_id, product_id order by date) as opening
    from closed

),

final as (

    select
        opened.tenant,
        opened.location_id,
        opened.product_id,
        opened.date,
        opened.opening::bigint as opening,
        {%- for movement_type in movement_types %}
        try_cast(opened.{{ movement_type }} as bigint) as {{ movement_type }},
        {%- endfor %}
        -- What it found beyond what was expected; of several counts of a day, all together.
        try_cast(opened.closing - opened.opening - opened.change as bigint) as counted_variance,
        opened.closing::bigint as closing,
        opened.is_empty,
        {{ log_position() }}::bigint as changed_batch
    from opened
    {{ join_changed('opened', 'opened.date >= changed.since') }}

)

select * from final
