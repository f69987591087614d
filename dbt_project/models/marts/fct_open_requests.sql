{{ config(materialized='whole') }}

-- The newest event of the log tells the time: a log that stands still does not age.
with newest as (

    select max(published_at) as published_at
    from {{ ref('int_newest_events') }}

),

final as (

    select
        requests.tenant,
        requests.fulfillment_request_id,
        requests.fulfillment_location_id as location_id,
        requests.order_id,
        requests.assigned_at,
        -- Parquet keeps no more of an interval, and readers must see what was built.
        date_trunc('milliseconds', newest.published_at - requests.assigned_at) as age,
        requests.open_item_count as units,
        requests.service_level,
        requests.status
    from {{ ref('fct_fulfillment_requests') }} as requests
    cross join newest
    where requests.is_open

)

select * from final
