{{ config(materialized='table') }}

with orders as (

    select
        orders.tenant,
        orders.customer_id,
        orders.order_id,
        date_trunc('month', {{ day('orders.ordered_at') }})::date as month,
        coalesce(orders.currency, 'XXX') as currency
    from {{ ref('fct_orders') }} as orders
    where
        orders.has_header
        and orders.customer_id is not null
        and orders.ordered_at is not null

),

customers as (

    select
        tenant,
        customer_id,
        min(month) as cohort_month
    from orders
    group by tenant, customer_id

),

cohorts as (

    select
        tenant,
        cohort_month,
        count(*) as customers
    from customers
    group by tenant, cohort_month

),

sales as (

    select
        tenant,
        order_id,
        sum(gross_sales) - sum(discounts) as net_sales
    from {{ ref('int_order_bookings') }}
    group by tenant, order_id

),

activity as (

    select
        orders.tenant,
        customers.cohort_month,
        date_diff('month', customers.cohort_month, orders.month) as months_since,
        orders.currency,
        count(distinct orders.customer_id) as active_customers,
        coalesce(sum(sales.net_sales), 0)::decimal(18, 4) as net_sales
    from orders
    inner join customers on orders.tenant = customers.tenant and orders.customer_id = customers.customer_id
    left join sales on orders.tenant = sales.tenant and orders.order_id = sales.order_id
    group by all

),

final as (

    select
        activity.tenant,
        activity.cohort_month,
        activity.months_since,
        activity.currency,
        cohorts.customers,
        activity.active_customers,
        activity.net_sales
    from activity
    inner join cohorts on activity.tenant = cohorts.tenant and activity.cohort_month = cohorts.cohort_month

)

select * from final
