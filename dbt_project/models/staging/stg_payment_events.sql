{{ config(unique_key='variant_id', materialized='by_key', meta={'family': 'payment'}) }}

{%- set order_id = 'coalesce(' ~ said('payload.order_id') ~ ', payload.id)' %}

{{ typed_events(
    'payment', 'payload.id as payment_account_id, ' ~ order_id ~ ' as order_id', apart=['id', 'order_id']
) }}
