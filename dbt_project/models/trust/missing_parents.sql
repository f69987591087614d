-- The newest event of the log tells the time: a log that stands still does not age.
with newest as (

    select max(published_at) as published_at
    from {{ ref('int_newest_events') }}

),

grouped as (

    select
        tenant,
        parent,
        parent_id,
        event_name,
        count(distinct idempotency_key) as events,
        min(published_at) as first_published_at,
        max(published_at) as last_published_at
    from {{ ref('int_waiting_children') }}
    where is_waiting
    group by tenant, parent, parent_id, event_name

),

final as (

    select
        grouped.tenant,
        grouped.parent,
        grouped.parent_id,
        grouped.event_name,
        grouped.events,
        grouped.first_published_at,
        grouped.last_published_at,
        -- Parquet keeps no more of an interval, and readers must see what was built.
        date_trunc('milliseconds', newest.published_at - grouped.first_published_at) as age
    from grouped
    cross join newest

)

select * from final
