{{ config(meta={'entity': ['tenant', 'fulfillment_request_id'], 'sources': ['stg_fulfillment_events']}) }}

with events as (

    {{ counted_events('stg_fulfillment_events') }}

),

-- The version is a step's place among all steps of fulfilment: without a logical_timestamp it is older than all others.
versioned as (

    select
        tenant,
        fulfillment_request_id,
        order_id,
        variant_id,
        split_part(event_name, '.', 2) as step,
        {
            'logical_timestamp': coalesce(payload.logical_timestamp, -1),
            'published_at': published_at,
            'payload_hash': payload_hash,
            'event_name': event_name
        } as version,
        published_at,
        {{ said('payload.fulfillment_location_id') }} as fulfillment_location_id,
        payload.items
    from events

),

-- A step that names no order belongs to the one that the request's other events name, the newest where they disagree.
requests as (

    select
        tenant,
        fulfillment_request_id,
        arg_max(order_id, version) as order_id
    from versioned
    group by tenant, fulfillment_request_id

),

lines as (

    select
        * exclude (order_id, items),
        unnest(items) as item,
        generate_subscripts(items, 1) as line
    from versioned

),

-- An id may stand twice in one event: its first line counts.
steps as (

    select
        tenant,
        fulfillment_request_id,
        step,
        version,
        fulfillment_location_id,
        coalesce({{ said('item.id') }}, 'line-' || line) as item_id,
        {{ said('item.product_id') }} as product_id,
        item.quantity,
        {{ said('item.rejection_reason') }} as rejection_reason,
        {{ said('item.tracking_code') }} as tracking_code,
        {{ said('item.carrier') }} as carrier,
        coalesce(case when step = 'items_completed' then {{ utc('item.shipped_at') }} end, published_at) as occurred_at
    from lines
    qualify row_number() over (partition by variant_id, item_id order by line) = 1

),

-- A unit leaves once: the first event that completes it dates it, whatever repeats that.
units as (

    select
        tenant,
        fulfillment_request_id,
        item_id,
        arg_max(product_id, version) as product_id,
        coalesce(arg_max(quantity, version), 1) as quantity,
        replace(replace(arg_max(step, version), 'items_', ''), '_for_handover', '') as status,
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
