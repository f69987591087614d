{{ config(unique_key='variant_id', incremental_strategy='delete+insert', meta={'family': 'customer'}) }}

{{ typed_events('customer', 'payload.id as customer_id', apart=['id']) }}
