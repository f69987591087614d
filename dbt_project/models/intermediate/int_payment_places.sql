{%- set sources = ['stg_order_events', 'stg_payment_orders'] -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources}) }}
-- depends_on: {{ ref('stg_order_events') }}

select
    accounts.tenant,
    accounts.order_id,
    accounts.payment_account_id,
    orders.demand_location_id,
    orders.channel,
    {{ log_position() }}::bigint as changed_batch
from {{ touched_rows('stg_payment_orders') }} as accounts
left join {{ touched_rows('int_orders') }} as orders
    on accounts.tenant = orders.tenant and accounts.order_id = orders.order_id
