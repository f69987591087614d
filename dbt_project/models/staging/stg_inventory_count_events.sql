{{ config(unique_key='variant_id', incremental_strategy='delete+insert', meta={'family': 'inventory_count'}) }}

{{ typed_events('inventory_count', 'payload.id as count_id', apart=['id']) }}
