{{ config(materialized='whole') }}

with named as (

    select
        tenant,
        order_id,
        return_id,
        original_order_id
    from {{ ref('int_exchanges') }}
    where is_current

),

-- An exchange takes back what its returns promise to give, less the fee that is kept.
returned as (

    select
        named.tenant,
        named.order_id,
        count(named.return_id) as return_count,
        count(returns.refund) as valued_returns,
        count(distinct returns.currency) as currencies,
        min(named.return_id) as return_id,
        count(distinct named.original_order_id) as original_orders,
        min(named.original_order_id) as original_order_id,
        min(returns.currency) as currency,
        sum(returns.refund) as value_back
    from named
    left join
        (
            select
                tenant,
                return_id,
                currency,
                coalesce(total_refund_amount_adjusted, total_refund_amount)
                - coalesce(return_fee, 0) as refund
            from {{ ref('fct_returns') }}
        ) as returns
        on named.tenant = returns.tenant and named.return_id = returns.return_id
    group by named.tenant, named.order_id

),

orders as (

    select
        tenant,
        order_id,
        business_date,
        grand_total,
        currency,
        is_exchange
    from {{ ref('fct_orders') }}
    where has_header

),

valued as (

    select
        orders.tenant,
        orders.order_id,
        case when returned.return_count = 1 then returned.return_id end as return_id,
        case when returned.original_orders = 1 then returned.original_order_id end as original_order_id,
        coalesce(returned.return_count, 0) as returns,
        orders.business_date,
        orders.grand_total as value_out,
        case
            when
                returned.valued_returns = returned.return_count
                and returned.currencies <= 1
                and coalesce(returned.currency, orders.currency, 'XXX') = coalesce(orders.currency, 'XXX')
                then try_cast(returned.value_back as decimal(18, 4))
        end as value_back,
        orders.currency
    from orders
    left join returned on orders.tenant = returned.tenant and orders.order_id = returned.order_id
    where orders.is_exchange or returned.order_id is not null

),

final as (

    select
        tenant,
        order_id,
        return_id,
        original_order_id,
        returns,
        business_date,
        value_out,
        value_back,
        try_cast(value_out::decimal(38, 4) - value_back as decimal(18, 4)) as difference,
        case
            when value_out = value_back then 'even'
            when value_out > value_back then 'up'
            when value_out < value_back then 'down'
        end as direction,
        coalesce(currency, 'XXX') as currency
    from valued

)

select * from final
