{%- set sources = ['stg_order_events', 'stg_return_orders'] -%}
{%- set zones = {'rows': 'int_orders', 'location': 'demand_location_id', 'channel': 'channel'} -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources, 'zones': zones}) }}
-- depends_on: {{ ref('stg_order_events') }}

select
    returns.tenant,
    returns.order_id,
    returns.return_id,
    orders.business_date as sold_on,
    orders.demand_location_id as sold_at_location_id,
    {{ log_position() }}::bigint as changed_batch
from {{ touched_rows('stg_return_orders') }} as returns
left join {{ touched_rows('int_orders') }} as orders
    on returns.tenant = orders.tenant and returns.order_id = orders.order_id
