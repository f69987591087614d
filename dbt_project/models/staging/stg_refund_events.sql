{{ config(unique_key='variant_id', incremental_strategy='delete+insert') }}

{{ typed_events('refund', 'payload.id as refund_request_id, coalesce(' ~ said('payload.order_id') ~ ', ' ~ said('payload.payment_account_id') ~ ') as order_id') }}
