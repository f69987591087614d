{{ config(meta={'entity': ['tenant', 'return_id'], 'sources': ['stg_return_events']}) }}
-- depends_on: {{ ref('stg_return_events') }}

select
    tenant,
    return_id,
    item_id,
    order_id,
    product_id,
    item_type,
    quantity,
    refund_amount,
    refund_amount_adjusted,
    refund_excl_tax,
    refund_tax,
    currency,
    return_reason,
    return_code,
    item_condition,
    condition_code,
    adjustment_reason,
    returned_at
from {{ touched_rows('int_return_lines') }}
