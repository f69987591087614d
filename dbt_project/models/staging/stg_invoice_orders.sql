{{ config(
    materialized='by_entity',
    meta={'entity': ['tenant', 'invoice_id'], 'sources': ['stg_invoice_events']},
) }}

{{ orders_named('stg_invoice_events', 'invoice_id') }}
