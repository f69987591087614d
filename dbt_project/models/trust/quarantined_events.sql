{{ config(
    materialized='by_entity',
    meta={'entity': ['journal', 'position'], 'sources': ['stg_quarantined_deliveries']},
) }}

select
    tenant,
    name,
    journal,
    position,
    received_at,
    problem,
    size
from {{ touched_rows('stg_quarantined_deliveries') }}
