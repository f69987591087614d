{{ config(unique_key='variant_id', materialized='by_key', meta={'family': 'inventory_count'}) }}

{{ typed_events('inventory_count', 'payload.id as count_id', apart=['id']) }}
