-- Taxes by name are the tax of daily_sales, day by day; where one of them cannot be held, nobody knows.
with sales as (

    select
        tenant,
        date,
        currency,
        sum(tax) as collected,
        sum(cancelled_tax) as cancelled,
        sum(refunded_tax) as refunded
    from {{ ref('daily_sales') }}
    group by tenant, date, currency
    having count(tax) = count(*) and count(cancelled_tax) = count(*) and count(refunded_tax) = count(*)

),

taxes as (

    select
        tenant,
        date,
        currency,
        sum(collected) as collected,
        sum(cancelled) as cancelled,
        sum(refunded) as refunded
    from {{ ref('daily_taxes') }}
    group by tenant, date, currency
    having count(collected) = count(*) and count(cancelled) = count(*) and count(refunded) = count(*)

)

select
    sales.*,
    taxes.*
from sales
full outer join taxes
    on sales.tenant = taxes.tenant and sales.date = taxes.date and sales.currency = taxes.currency
where
    coalesce(sales.collected, 0) != coalesce(taxes.collected, 0)
    or coalesce(sales.cancelled, 0) != coalesce(taxes.cancelled, 0)
    or coalesce(sales.refunded, 0) != coalesce(taxes.refunded, 0)
