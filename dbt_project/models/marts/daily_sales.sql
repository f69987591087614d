{{ config(materialized='whole') }}

with bookings as (

    select
        tenant,
        date,
        channel_type,
        channel,
        currency,
        orders,
        units,
        gross_sales,
        discounts,
        tax,
        shipping,
        0 as returns,
        0 as returned_units,
        0::decimal(18, 4) as refunds,
        cancelled_units
    from {{ ref('agg_order_bookings') }}

),

-- What comes back is booked where the order was sold, but in the currency of the refund.
returned as (

    select
        returns.tenant,
        {{ day('returns.returned_at') }} as date,
        coalesce(orders.channel_type, 'unknown') as channel_type,
        coalesce(orders.channel, 'unknown') as channel,
        coalesce(returns.currency, orders.currency, 'XXX') as currency,
        0 as orders,
        0 as units,
        0 as gross_sales,
        0 as discounts,
        0 as tax,
        0 as shipping,
        1 as returns,
        returns.item_count as returned_units,
        coalesce(returns.total_refund_amount_adjusted, returns.total_refund_amount, 0) as refunds,
        0 as cancelled_units
    from {{ ref('fct_returns') }} as returns
    left join {{ ref('fct_orders') }} as orders
        on returns.tenant = orders.tenant and returns.order_id = orders.order_id
    where returns.is_historical is distinct from true

),

either as (

    select * from bookings
    union all
    select * from returned

),

final as (

    select
        tenant,
        date,
        channel_type,
        channel,
        currency,
        sum(orders)::bigint as orders,
        try_cast(sum(units) as bigint) as units,
        try_cast(sum(gross_sales) as decimal(18, 4)) as gross_sales,
        try_cast(sum(discounts) as decimal(18, 4)) as discounts,
        try_cast(sum(gross_sales) - sum(discounts) as decimal(18, 4)) as net_sales,
        try_cast(sum(tax) as decimal(18, 4)) as tax,
        try_cast(sum(shipping) as decimal(18, 4)) as shipping,
        sum(returns)::bigint as returns,
        try_cast(sum(returned_units) as bigint) as returned_units,
        try_cast(sum(refunds) as decimal(18, 4)) as refunds,
        try_cast(sum(cancelled_units) as bigint) as cancelled_units
    from either
    group by tenant, date, channel_type, channel, currency

)

select * from final
