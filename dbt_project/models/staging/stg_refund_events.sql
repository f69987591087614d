{{ config(unique_key='variant_id', materialized='by_key', meta={'family': 'refund'}) }}

{%- set order_id = 'coalesce(' ~ said('payload.order_id') ~ ', ' ~ said('payload.payment_account_id') ~ ')' %}

{{ typed_events('refund', 'payload.id as refund_request_id, ' ~ order_id ~ ' as order_id', apart=['id', 'order_id']) }}
