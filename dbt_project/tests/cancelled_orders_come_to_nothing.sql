-- What was sold of an order that is cancelled whole is taken back to the last cent: shipping, charges and tax too.
with cancelled as (

    select
        tenant,
        order_id
    from {{ ref('fct_orders') }}
    where is_sale and cancelled_at is not null

)

select
    bookings.tenant,
    bookings.order_id
from {{ ref('agg_order_bookings') }} as bookings
inner join cancelled on bookings.tenant = cancelled.tenant and bookings.order_id = cancelled.order_id
group by bookings.tenant, bookings.order_id, bookings.currency
having
    sum(bookings.net_sales) != sum(bookings.cancelled_sales)
    or sum(bookings.tax) != sum(bookings.cancelled_tax)
    or sum(bookings.shipping) != 0
    or sum(bookings.units) != sum(bookings.cancelled_units)
    or (
        (sum(bookings.gift_cards_sold) != 0 or sum(bookings.charges) != 0)
        and sum(bookings.returns) = 0
    )
