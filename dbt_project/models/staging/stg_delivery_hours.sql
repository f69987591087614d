{{ config(unique_key='hour', incremental_strategy='delete+insert') }}

select distinct
    date_trunc('hour', received_at) as hour,
    {{ log_position() }}::bigint as changed_batch
from {{ source('log', 'events') }}
where {{ new_deliveries() }}
