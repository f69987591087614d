{{ config(unique_key='variant_id', materialized='by_key', meta={'family': 'invoice'}) }}

{{ typed_events(
    'invoice',
    'payload.id as invoice_id, ' ~ said('payload.order_id') ~ ' as order_id',
    keep_json=true,
    apart=['id', 'order_id', 'items', 'url'],
) }}
