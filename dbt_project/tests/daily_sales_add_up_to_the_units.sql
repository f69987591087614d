-- Days, channels and currencies together hold each unit that was sold once, and each return.
with daily as (

    select
        tenant,
        currency,
        sum(units) as units,
        sum(net_sales) as net_sales,
        sum(cancelled_units) as cancelled_units
    from {{ ref('daily_sales') }}
    group by tenant, currency

),

sold as (

    select
        tenant,
        coalesce(currency, 'XXX') as currency,
        sum(quantity) as units,
        coalesce(sum(net_amount), 0) as net_sales,
        sum(quantity) filter (where cancelled_at is not null) as cancelled_units
    from {{ ref('fct_order_items') }}
    where is_sale
    group by tenant, currency

)

select
    coalesce(daily.tenant, sold.tenant) as tenant,
    coalesce(daily.currency, sold.currency) as currency,
    daily.units,
    sold.units as units_sold,
    daily.net_sales,
    sold.net_sales as sold_for
from daily
full join sold on daily.tenant = sold.tenant and daily.currency = sold.currency
where
    coalesce(daily.units, 0) != coalesce(sold.units, 0)
    or coalesce(daily.net_sales, 0) != coalesce(sold.net_sales, 0)
    or coalesce(daily.cancelled_units, 0) != coalesce(sold.cancelled_units, 0)
