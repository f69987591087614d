{{ config(materialized='whole') }}

with customers as (

    select
        tenant,
        customer_key,
        currency,
        any_value(customer_id) as customer_id,
        sum(orders) as order_count,
        sum(units) as units,
        sum(net_sales) as net_sales,
        sum(cancelled_sales) as cancelled_sales,
        sum(returned_sales) as returned_sales,
        min(business_date) as first_order_on,
        max(business_date) as last_order_on,
        arg_min(channel, (ordered_at, order_id)) as first_channel
    from {{ ref('agg_customer_orders') }}
    group by tenant, customer_key, currency

),

-- How many of the customers who pay in a currency have less; those with as much have the same.
ranked as (

    select
        *,
        count(*) over (partition by tenant, currency) as customers,
        rank() over (partition by tenant, currency order by last_order_on) - 1 as with_less_recency,
        rank() over (partition by tenant, currency order by order_count) - 1 as with_less_frequency,
        rank() over (
            partition by tenant, currency order by net_sales - cancelled_sales - returned_sales
        ) - 1 as with_less_money
    from customers

),

final as (

    select
        tenant,
        customer_key,
        customer_id,
        order_count::bigint as order_count,
        try_cast(units as bigint) as units,
        try_cast(net_sales as decimal(18, 4)) as net_sales,
        try_cast(cancelled_sales as decimal(18, 4)) as cancelled_sales,
        try_cast(returned_sales as decimal(18, 4)) as returned_sales,
        first_order_on,
        last_order_on,
        case
            when order_count > 1 then (last_order_on - first_order_on)::double / (order_count - 1)::double
        end as average_days_between,
        first_channel,
        5 * with_less_recency // customers + 1 as recency,
        5 * with_less_frequency // customers + 1 as frequency,
        5 * with_less_money // customers + 1 as monetary,
        currency
    from ranked

)

select * from final
