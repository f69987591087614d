{{ config(unique_key='variant_id', materialized='by_key', meta={'family': 'return'}) }}

{{ typed_events(
    'return',
    'payload.id as return_id, ' ~ said('payload.order_id') ~ ' as order_id',
    apart=['id', 'order_id'],
) }}
