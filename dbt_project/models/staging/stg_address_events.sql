{{ config(unique_key='variant_id', materialized='by_key', meta={'family': 'address'}) }}

{{ typed_events(
    'address',
    'payload.id as address_id, ' ~ said('payload.customer_id') ~ ' as customer_id',
    apart=['id', 'customer_id'],
) }}
