{{ config(unique_key='variant_id', incremental_strategy='delete+insert', meta={'family': 'payment'}) }}

{{ typed_events(
    'payment', 'coalesce(' ~ said('payload.order_id') ~ ', payload.id) as order_id', apart=['id', 'order_id']
) }}
