{%- set sources = ['stg_order_events', 'stg_return_orders', 'stg_fulfillment_orders'] -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources}) }}
-- depends_on: {{ ref('stg_return_orders') }}, {{ ref('stg_fulfillment_orders') }}

-- Also a customer whom a later header of the order names no more: what is counted of them changes then. Returns and
-- fulfilments name no customer here; they may add units to the order, and so are sources as they are of its sales.
select distinct
    tenant,
    order_id,
    {{ said('payload.customer_id') }} as customer_id,
    {{ log_position() }}::bigint as changed_batch
from {{ touched_rows('stg_order_events') }}
where
    {{ said('payload.customer_id') }} is not null
