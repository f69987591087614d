{{ config(unique_key='variant_id', materialized='by_key', meta={'family': 'fulfillment'}) }}

{{ typed_events(
    'fulfillment',
    'payload.id as fulfillment_request_id, ' ~ said('payload.order_id') ~ ' as order_id',
    apart=['id', 'order_id'],
) }}
