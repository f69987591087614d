{{ config(meta={'entity': ['tenant', 'customer_id'], 'sources': ['int_order_customers']}) }}
-- depends_on: {{ ref('int_order_customers') }}

with orders as (

    select
        orders.tenant,
        orders.customer_id,
        orders.order_id,
        date_trunc('month', {{ day('orders.ordered_at') }})::date as month,
        coalesce(orders.currency, 'XXX') as currency
    from {{ touched_rows('fct_orders') }} as orders
    where
        orders.has_header
        and orders.customer_id is not null
        and orders.ordered_at is not null

),

sales as (

    select
        bookings.tenant,
        bookings.order_id,
        sum(bookings.gross_sales) - sum(bookings.discounts) as net_sales
    from {{ ref('agg_order_bookings') }} as bookings
    {%- if is_partial() %}
    where
        (bookings.tenant, bookings.order_id) in (
            select
                orders.tenant,
                orders.order_id
            from orders
        )
    {%- endif %}
    group by bookings.tenant, bookings.order_id

),

months as (

    select
        orders.tenant,
        orders.customer_id,
        orders.month,
        orders.currency,
        coalesce(sum(sales.net_sales), 0) as net_sales
    from orders
    left join sales on orders.tenant = sales.tenant and orders.order_id = sales.order_id
    group by orders.tenant, orders.customer_id, orders.month, orders.currency

),

final as (

    select
        tenant,
        customer_id,
        month,
        currency,
        min(month) over (partition by tenant, customer_id) as cohort_month,
        row_number() over (partition by tenant, customer_id, month order by currency) = 1 as is_first_of_month,
        net_sales
    from months

)

select * from final
