{{ config(materialized='whole') }}

with orders as (

    select
        tenant,
        order_id,
        customer_key,
        customer_id,
        coalesce(channel, 'unknown') as channel,
        coalesce(currency, 'XXX') as currency,
        ordered_at,
        business_date
    from {{ ref('int_orders') }}
    where customer_key is not null

),

-- A refund can be in another currency than its order, which is counted in its own.
bookings as (

    select
        *,
        1 as order_count,
        0 as units,
        0 as net_sales,
        0 as cancelled_sales,
        0 as returned_sales
    from orders
    union all
    select
        orders.* replace (bookings.currency as currency),
        0 as order_count,
        bookings.units,
        bookings.net_sales,
        bookings.cancelled_sales,
        bookings.returned_sales
    from {{ ref('agg_order_bookings') }} as bookings
    inner join orders on bookings.tenant = orders.tenant and bookings.order_id = orders.order_id
    where bookings.has_bookings

),

customers as (

    select
        tenant,
        customer_key,
        currency,
        any_value(customer_id) as customer_id,
        sum(order_count)::bigint as order_count,
        {{ sum_of_known('units', 'bigint') }} as units,
        {%- for name in ['net_sales', 'cancelled_sales', 'returned_sales'] %}
        {{ sum_of_known(name) }} as {{ name }},
        {%- endfor %}
        min(business_date) as first_order_on,
        max(business_date) as last_order_on,
        arg_min(channel, (ordered_at, order_id)) as first_channel
    from bookings
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
            partition by tenant, currency
            order by net_sales::decimal(38, 4) - cancelled_sales - returned_sales nulls first
        ) - 1 as with_less_money
    from customers

),

final as (

    select
        tenant,
        customer_key,
        customer_id,
        order_count,
        units,
        net_sales,
        cancelled_sales,
        returned_sales,
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
