{{ config(materialized='whole') }}

-- What comes back is taken from whoever sold it, on the day it does.
with summed as (

    select
        tenant,
        date,
        associate_id,
        coalesce(demand_location_id, 'unknown') as location_id,
        currency,
        sum(orders)::bigint as orders,
        {{ sum_of_known('units', 'bigint') }} as units,
        {{ sum_of_known('net_sales') }} as net_sales,
        {{ sum_of_known('returned_sales') }} as returned_sales
    from {{ ref('agg_order_bookings') }}
    where
        associate_id is not null
        and (orders > 0 or returns > 0)
    group by all

),

final as (

    select
        *,
        case when orders > 0 then try_cast(net_sales / orders as decimal(18, 4)) end as average_order_value,
        case when orders > 0 then units / orders end as units_per_transaction
    from summed

)

select * from final
