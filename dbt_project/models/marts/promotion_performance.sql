{{ config(materialized='whole') }}

-- What all orders sold, with a promotion or without.
with sales as (

    select
        tenant,
        currency,
        sum(gross_sales) - sum(discounts) as net_sales
    from {{ ref('agg_order_bookings') }}
    group by tenant, currency

),

promotions as (

    select
        tenant,
        promotion_key,
        coalesce(currency, 'XXX') as currency,
        count(*) as orders,
        sum(units) as units,
        coalesce(sum(gross_amount), 0) as gross_sales,
        coalesce(sum(price_adjustment), 0) as price_adjustment,
        coalesce(sum(net_amount), 0) as net_sales,
        min({{ day('ordered_at') }}) as first_used_on,
        max({{ day('ordered_at') }}) as last_used_on
    from {{ ref('fct_order_promotions') }}
    where is_sale
    group by all

),

final as (

    select
        promotions.tenant,
        promotions.promotion_key,
        promotions.currency,
        promotions.orders,
        try_cast(promotions.units as bigint) as units,
        try_cast(promotions.gross_sales as decimal(18, 4)) as gross_sales,
        try_cast(promotions.price_adjustment as decimal(18, 4)) as price_adjustment,
        try_cast(promotions.net_sales as decimal(18, 4)) as net_sales,
        promotions.net_sales::double / nullif(sales.net_sales, 0)::double as share_of_net_sales,
        promotions.first_used_on,
        promotions.last_used_on
    from promotions
    left join sales on promotions.tenant = sales.tenant and promotions.currency = sales.currency

)

select * from final
