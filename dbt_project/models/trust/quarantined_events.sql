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
from {{ ref('stg_quarantined_deliveries') }}
{%- if is_partial() %}
where {{ is_touched('journal', 'position') }}
{%- endif %}
