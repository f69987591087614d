{{ config(meta={'entity': ['tenant', 'date', 'location_id', 'product_id'], 'sources': ['agg_stock_days']}) }}

select
    tenant,
    date,
    location_id,
    product_id,
    opening,
    received,
    fulfilled,
    returned,
    adjusted,
    transferred,
    counted_variance,
    closing
from {{ touched_rows('agg_stock_days') }}
where not is_empty
