{{ config(materialized='whole') }}

select
    tenant,
    date,
    business_hour,
    coalesce(channel_type, 'unknown') as channel_type,
    coalesce(channel, 'unknown') as channel,
    coalesce(demand_location_id, 'unknown') as location_id,
    currency,
    sum(orders)::bigint as orders,
    {{ sum_of_known('units', 'bigint') }} as units,
    {{ sum_of_known('net_sales') }} as net_sales
from {{ ref('agg_order_bookings') }}
where orders > 0
group by all
