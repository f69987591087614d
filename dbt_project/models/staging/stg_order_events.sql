{{ config(unique_key='variant_id', incremental_strategy='delete+insert', meta={'family': 'order'}) }}

{{ typed_events('order', 'payload.id as order_id', apart=['id']) }}
