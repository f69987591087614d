{{ config(unique_key='variant_id', materialized='by_key', meta={'family': 'order'}) }}

{{ typed_events('order', 'payload.id as order_id', apart=['id']) }}
