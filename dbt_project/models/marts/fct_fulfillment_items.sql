{{ config(meta={'entity': ['tenant', 'fulfillment_request_id'], 'sources': ['stg_fulfillment_events']}) }}
-- depends_on: {{ ref('stg_fulfillment_events') }}

select
    tenant,
    fulfillment_request_id,
    item_id,
    order_id,
    product_id,
    quantity,
    status,
    rejection_reason,
    tracking_code,
    carrier,
    assigned_at,
    ready_for_handover_at,
    completed_at,
    failed_at
from {{ touched_rows('int_fulfillment_units') }}
