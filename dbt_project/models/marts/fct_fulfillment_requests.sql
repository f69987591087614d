{{ config(meta={
    'entity': ['tenant', 'fulfillment_request_id'],
    'sources': ['stg_fulfillment_events'],
    'zones': {'location': 'fulfillment_location_id'},
}) }}

with events as (

    {{ counted_events('stg_fulfillment_events') }}

),

-- As in int_fulfillment_units.
versioned as (

    select
        tenant,
        fulfillment_request_id,
        order_id,
        idempotency_key,
        split_part(event_name, '.', 2) as step,
        published_at,
        payload,
        {
            'logical_timestamp': coalesce(payload.logical_timestamp, -1),
            'published_at': published_at,
            'payload_hash': payload_hash,
            'event_name': event_name
        } as version
    from events

),

requests as (

    select
        tenant,
        fulfillment_request_id,
        arg_max(order_id, version) as order_id,
        arg_max({{ said('payload.fulfillment_location_id') }}, version) as fulfillment_location_id,
        arg_max({{ said('payload.service_level') }}, version) as service_level,
        arg_max({{ said('payload.associate_id') }}, version) as associate_id,
        replace(replace(arg_max(step, version), 'items_', ''), '_for_handover', '') as status,
        max(payload.logical_timestamp) as logical_timestamp,
        arg_min(published_at, version) filter (where step = 'assigned') as assigned_at,
        arg_min(published_at, version) filter (where step = 'items_ready_for_handover') as ready_for_handover_at,
        arg_max(published_at, version) filter (where step = 'items_completed') as completion_published_at,
        arg_max(published_at, version) filter (where step = 'items_failed') as failed_at,
        count(distinct idempotency_key) filter (where step = 'items_failed') as failures
    from versioned
    group by tenant, fulfillment_request_id

),

units as (

    select
        items.tenant,
        items.fulfillment_request_id,
        sum(items.quantity) as item_count,
        sum(items.quantity) filter (where items.completed_at is not null) as completed_item_count,
        sum(items.quantity) filter (where items.failed_at is not null) as failed_item_count,
        max(items.completed_at) as last_completed_at
    from {{ touched_rows('fct_fulfillment_items') }} as items
    group by items.tenant, items.fulfillment_request_id

),

described as (

    select
        requests.tenant,
        requests.fulfillment_request_id,
        requests.order_id,
        requests.fulfillment_location_id,
        requests.service_level,
        requests.associate_id,
        requests.status,
        requests.logical_timestamp,
        requests.assigned_at,
        requests.ready_for_handover_at,
        coalesce(units.last_completed_at, requests.completion_published_at) as completed_at,
        requests.failed_at,
        requests.failures,
        try_cast(coalesce(units.item_count, 0) as bigint) as item_count,
        try_cast(coalesce(units.completed_item_count, 0) as bigint) as completed_item_count,
        try_cast(coalesce(units.failed_item_count, 0) as bigint) as failed_item_count
    from requests
    left join units
        on requests.tenant = units.tenant and requests.fulfillment_request_id = units.fulfillment_request_id

),

timed as (

    {{ with_local_time('described', 'coalesce(completed_at, failed_at, assigned_at)', 'fulfillment_location_id') }}

),

final as (

    select
        * exclude (local_time),
        local_time::date as business_date
    from timed

)

select * from final
