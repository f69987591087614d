{{ config(
    materialized='by_entity',
    meta={'entity': ['tenant', 'fulfillment_request_id'], 'sources': ['stg_fulfillment_events']},
) }}

{{ orders_named('stg_fulfillment_events', 'fulfillment_request_id', has_products=true) }}
