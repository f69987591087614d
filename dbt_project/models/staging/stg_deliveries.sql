{{ config(incremental_strategy='append') }}

select
    tenant,
    {{ shortened('name') }} as name,
    date_trunc('hour', received_at) as hour,
    published_at,
    problem is null as is_event,
    {{ log_position() }}::bigint as changed_batch
from {{ source('log', 'events') }}
where {{ new_deliveries() }}
