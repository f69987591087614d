-- Each day comes to what its figures say. A figure that its column cannot hold leaves no total.
select
    tenant,
    date,
    channel_type,
    channel,
    currency,
    total_sales
from {{ ref('daily_sales') }}
where
    net_sales is distinct from try_cast(gross_sales - discounts - included_tax as decimal(18, 4))
    or total_sales is distinct from try_cast(
        net_sales + gift_cards_sold + charges + shipping + tax - cancelled_sales - cancelled_tax - returned_sales
        - refunded_tax - refunded_shipping + return_fees as decimal(18, 4)
    )
