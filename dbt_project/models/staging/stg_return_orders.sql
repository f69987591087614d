{{ config(
    materialized='by_entity',
    meta={'entity': ['tenant', 'return_id'], 'sources': ['stg_return_events']},
) }}

{%- set order_id = 'coalesce(order_id, ' ~ said('payload.blind_order_id') ~ ')' %}

{{ orders_named('stg_return_events', 'return_id', order_id, has_products=true) }}
