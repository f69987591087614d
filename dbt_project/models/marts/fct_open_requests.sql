{{ config(materialized='whole') }}

-- The newest event of the log tells the time: a log that stands still does not age.
with newest as (

    select max(published_at) as published_at
    from {{ ref('int_newest_events') }}

),

open_units as (

    select
        tenant,
        fulfillment_request_id,
        sum(quantity) as units
    from {{ ref('fct_fulfillment_items') }}
    where status not in ('completed', 'failed')
    group by tenant, fulfillment_request_id

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
        try_cast(open_units.units as bigint) as units,
        requests.service_level,
        requests.status
    from {{ ref('fct_fulfillment_requests') }} as requests
    inner join open_units
        on requests.tenant = open_units.tenant
        and requests.fulfillment_request_id = open_units.fulfillment_request_id
    cross join newest

)

select * from final
