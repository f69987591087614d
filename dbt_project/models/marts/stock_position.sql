{{ config(meta={'entity': ['tenant', 'location_id', 'product_id'], 'sources': ['agg_stock_positions']}) }}

select
    tenant,
    location_id,
    product_id,
    on_hand,
    sold_28d,
    weeks_of_cover,
    sell_through,
    first_received_on,
    last_received_on,
    last_sold_on,
    days_out_of_stock_90d,
    stock_value,
    currency,
    is_negative,
    as_of
from {{ touched_rows('agg_stock_positions') }}
where not is_empty
