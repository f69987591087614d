{{ config(
    materialized='by_entity',
    meta={'entity': ['tenant', 'refund_request_id'], 'sources': ['stg_refund_events']},
) }}

{{ orders_named('stg_refund_events', 'refund_request_id') }}
