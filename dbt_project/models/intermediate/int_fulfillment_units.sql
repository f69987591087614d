{{ config(meta={'entity': ['tenant', 'fulfillment_request_id'], 'sources': ['stg_fulfillment_events']}) }}

with events as (

    {{ counted_events('stg_fulfillment_events') }}

),

-- A step that names no order belongs to the one that the request's other events name, the newest where they disagree.
requests as (

    select
        tenant,
        fulfillment_request_id,
        arg_max(order_id, {{ fulfillment_version() }}) as order_id
    from events
    group by tenant, fulfillment_request_id

),

steps as (

    {{ fulfillment_steps('events') }}

),

-- A unit leaves once: the first event that completes it dates it, whatever repeats that.
units as (

    select
        tenant,
        fulfillment_request_id,
        item_id,
        arg_max(product_id, version) as product_id,
        coalesce(arg_max(quantity, version), 1) as quantity,
        arg_max(step, version) as last_step,
        arg_max(rejection_reason, version) as rejection_reason,
        arg_max(tracking_code, version) as tracking_code,
        arg_max(carrier, version) as carrier,
        arg_min(occurred_at, version) filter (where step = 'assigned') as assigned_at,
        arg_min(occurred_at, version) filter (where step = 'items_ready_for_handover') as ready_for_handover_at,
        arg_min(occurred_at, version) filter (where step = 'items_completed') as completed_at,
        arg_min(occurred_at, version) filter (where step = 'items_failed') as failed_at,
        max(occurred_at) filter (where step != 'items_failed') as last_routed_at,
        arg_max(fulfillment_location_id, version) as last_location_id,
        arg_min(fulfillment_location_id, version) filter (where step = 'items_completed') as completed_location_id,
        min(version) filter (where step = 'assigned') as assigned_version,
        min(version) filter (where step = 'items_completed') as completed_version,
        max(version) as last_version
    from steps
    group by tenant, fulfillment_request_id, item_id

),

final as (

    select
        units.*,
        requests.order_id
    from units
    inner join requests
        on units.tenant = requests.tenant and units.fulfillment_request_id = requests.fulfillment_request_id

)

select * from final
