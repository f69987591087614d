{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': ['stg_order_events']}) }}

-- Also a customer whom a later header of the order names no more: what is counted of them changes then.
select distinct
    tenant,
    order_id,
    {{ said('payload.customer_id') }} as customer_id,
    {{ log_position() }}::bigint as changed_batch
from {{ near('stg_order_events') }}
where
    event_name in ('order.created', 'order.opened')
    and {{ said('payload.customer_id') }} is not null
    {%- if is_incremental() %}
    and {{ is_touched('tenant', 'order_id') }}
    {%- endif %}
