{{ config(materialized='append') }}

-- An event may call itself anything, and ten megabytes of it. The log has all.
select
    tenant,
    case when length(name) > 200 then left(name, 199) || '…' else name end as name,
    date_trunc('hour', received_at) as hour,
    published_at,
    problem is null as is_event,
    {{ log_position() }}::bigint as changed_batch
from {{ log_events() }}
where {{ new_deliveries() }}
