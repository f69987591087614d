{{ config(unique_key='variant_id', incremental_strategy='delete+insert') }}

{{ typed_events('address', 'payload.id as address_id, ' ~ said('payload.customer_id') ~ ' as customer_id') }}
