{{ config(unique_key=['journal', 'position'], incremental_strategy='delete+insert') }}

-- The receiver and DuckDB read JSON each in their own way. Nothing is known that only DuckDB refuses; should it ever
-- come, it stands here and stops no run.
select
    tenant,
    {{ shortened('name') }} as name,
    journal,
    position,
    received_at,
    coalesce(problem, 'refused_by_duckdb') as problem,
    coalesce(strlen(body), octet_length(raw_body)) as size,
    {{ log_position() }}::bigint as changed_batch
from {{ source('log', 'events') }}
where
    {{ new_deliveries() }}
    and (problem is not null or not coalesce(json_valid(body), false))
