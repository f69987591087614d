{{ config(meta={'entity': ['tenant', 'location_id', 'date'], 'sources': ['agg_fulfillment_days']}) }}

select
    tenant,
    date,
    location_id,
    assigned,
    completed,
    failed,
    rejected_by_reason,
    units,
    hours_to_ready_p50,
    hours_to_ready_p90,
    hours_to_complete_p50,
    hours_to_complete_p90,
    open_at_close,
    oldest_open_hours
from {{ touched_rows('agg_fulfillment_days') }}
where not is_empty
