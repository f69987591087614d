{{ config(unique_key=['journal', 'position'], materialized='append') }}

select
    tenant,
    {{ shortened('name') }} as name,
    journal,
    position,
    received_at,
    problem,
    size,
    changed_batch
from {{ ref('stg_readings') }}
where problem is not null and {{ new_readings() }}
