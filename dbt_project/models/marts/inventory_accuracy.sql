{{ config(meta={'entity': ['tenant', 'location_id', 'product_id', 'date'], 'sources': ['agg_stock_days']}) }}
-- depends_on: {{ ref('agg_stock_days') }}

-- Where it does not say when it began, or says that it ended before, nothing is known of what moved meanwhile.
with counts as (

    select
        tenant,
        count_id,
        location_id,
        product_id,
        system_quantity,
        counted_quantity,
        completed_at,
        business_date as date,
        case when started_at <= completed_at then started_at end as began_at,
        -- All that happened up to the end of this day was before the count began, in whatever zone.
        {{ day('coalesce(began_at, completed_at)') }} - 2 as books_since
    from {{ touched_rows('fct_inventory_counts', ['tenant', 'location_id', 'product_id', 'business_date']) }}
    where is_complete and counted_quantity is not null and location_id is not null

),

days as (

    select
        tenant,
        location_id,
        product_id,
        date,
        opening
    from {{ ref('agg_stock_days') }}
    where
        not is_empty
        and (tenant, location_id, product_id) in (
            select (counts.tenant, counts.location_id, counts.product_id) from counts
        )

),

-- What the books began with on the first day after that on which anything happened, the day of the count at the latest.
opened as (

    select
        counts.*,
        days.opening
    from counts
    asof inner join days
        on counts.tenant = days.tenant
        and counts.location_id = days.location_id
        and counts.product_id = days.product_id
        and counts.books_since < days.date

),

-- The counts that were complete before, which the books follow.
earlier as (

    select
        counts.tenant,
        counts.count_id,
        counts.product_id,
        arg_max(others.counted_quantity, (others.completed_at, others.count_id)) as units,
        max(others.completed_at) as counted_at,
        arg_max(others.counted_quantity, (others.completed_at, others.count_id)) filter (
            where others.completed_at <= counts.began_at
        ) as units_at_start,
        max(others.completed_at) filter (where others.completed_at <= counts.began_at) as counted_at_start
    from counts
    inner join {{ ref('fct_inventory_counts') }} as others
        on counts.tenant = others.tenant
        and counts.location_id = others.location_id
        and counts.product_id = others.product_id
        and counts.books_since < others.business_date
        and (others.completed_at, others.count_id) < (counts.completed_at, counts.count_id)
    where others.is_complete and others.counted_quantity is not null
    group by all

),

followed as (

    select
        opened.*,
        coalesce(earlier.units, opened.opening) as units,
        coalesce(earlier.counted_at, '-infinity'::timestamptz) as counted_at,
        coalesce(earlier.units_at_start, opened.opening) as units_at_start,
        coalesce(earlier.counted_at_start, '-infinity'::timestamptz) as counted_at_start
    from opened
    left join earlier
        on opened.tenant = earlier.tenant
        and opened.count_id = earlier.count_id
        and opened.product_id = earlier.product_id

),

moved as (

    select
        followed.tenant,
        followed.count_id,
        followed.product_id,
        sum(movements.quantity_change) filter (where movements.occurred_at > followed.counted_at) as units,
        sum(movements.quantity_change) filter (
            where movements.occurred_at > followed.counted_at_start and movements.occurred_at <= followed.began_at
        ) as units_at_start,
        sum(movements.quantity_change) filter (where movements.occurred_at > followed.began_at) as units_during,
        list(distinct movements.source_id order by movements.source_id) filter (
            where movements.occurred_at > followed.began_at
        ) as sources_during
    from followed
    inner join {{ ref('fct_inventory_movements') }} as movements
        on followed.tenant = movements.tenant
        and followed.location_id = movements.location_id
        and followed.product_id = movements.product_id
        and followed.books_since < movements.business_date
        and followed.completed_at >= movements.occurred_at
    group by all

),

expected as (

    select
        followed.*,
        followed.units + coalesce(moved.units, 0)::hugeint as at_completion,
        followed.units_at_start + coalesce(moved.units_at_start, 0)::hugeint as at_start,
        coalesce(moved.units_during, 0)::hugeint as units_during,
        coalesce(moved.sources_during, []) as sources_during
    from followed
    left join moved
        on followed.tenant = moved.tenant
        and followed.count_id = moved.count_id
        and followed.product_id = moved.product_id

),

final as (

    select
        tenant,
        count_id,
        product_id,
        location_id,
        date,
        began_at as started_at,
        completed_at,
        case when began_at is not null then try_cast(at_start as bigint) end as expected_at_start,
        try_cast(at_completion as bigint) as expected_at_completion,
        system_quantity as stock_on_hand,
        counted_quantity as counted,
        case when began_at is not null then try_cast(units_during as bigint) end as moved_during_count,
        case when began_at is not null then sources_during end as moved_source_ids,
        try_cast(counted_quantity - at_completion as bigint) as counted_variance,
        try_cast(at_completion - system_quantity as bigint) as book_difference
    from expected

)

select * from final
