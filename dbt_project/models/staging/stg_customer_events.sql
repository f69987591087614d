{{ config(unique_key='variant_id', materialized='by_key', meta={'family': 'customer'}) }}

{{ typed_events('customer', 'payload.id as customer_id', apart=['id']) }}
