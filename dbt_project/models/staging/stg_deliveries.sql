{{ config(materialized='append') }}

select
    tenant,
    {{ shortened('name') }} as name,
    date_trunc('hour', received_at) as hour,
    published_at,
    problem is null as is_event,
    {{ log_position() }}::bigint as changed_batch
from {{ log_events() }}
where {{ new_deliveries() }}
