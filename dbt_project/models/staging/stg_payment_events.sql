{{ config(unique_key='variant_id', incremental_strategy='delete+insert') }}

{{ typed_events('payment', 'coalesce(' ~ said('payload.order_id') ~ ', payload.id) as order_id') }}
