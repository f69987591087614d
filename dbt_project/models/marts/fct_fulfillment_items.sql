{{ config(meta={'entity': ['tenant', 'fulfillment_request_id'], 'sources': ['stg_fulfillment_events']}) }}

with events as (

    {{ counted_events('stg_fulfillment_events') }}

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
        arg_max(order_id, version) as order_id,
        arg_max(product_id, version) as product_id,
        arg_max(step, version) as last_step,
        arg_max(rejection_reason, version) as rejection_reason,
        arg_max(tracking_code, version) as tracking_code,
        arg_max(carrier, version) as carrier,
        arg_min(occurred_at, version) filter (where step = 'assigned') as assigned_at,
        arg_min(occurred_at, version) filter (where step = 'items_ready_for_handover') as ready_for_handover_at,
        arg_min(occurred_at, version) filter (where step = 'items_completed') as completed_at,
        arg_min(occurred_at, version) filter (where step = 'items_failed') as failed_at
    from steps
    group by tenant, fulfillment_request_id, item_id

),

final as (

    select
        tenant,
        fulfillment_request_id,
        item_id,
        order_id,
        product_id,
        {{ fulfillment_status('last_step') }} as status,
        rejection_reason,
        tracking_code,
        carrier,
        assigned_at,
        ready_for_handover_at,
        completed_at,
        failed_at
    from units

)

select * from final
