{{ config(unique_key='variant_id', incremental_strategy='delete+insert') }}

{{ typed_events('customer', 'payload.id as customer_id') }}
