{{ config(unique_key=['journal', 'position'], materialized='append') }}

select
    tenant,
    case when length(name) > 200 then left(name, 199) || '…' else name end as name,
    journal,
    position,
    received_at,
    date_trunc('hour', received_at) as hour,
    problem,
    size,
    changed_batch
from {{ ref('stg_readings') }}
where problem is not null and changed_batch > {{ built_position() }}
