-- Days add up, each begins where the one before ended, and the last ends with what is on hand.
with days as (

    select
        tenant,
        location_id,
        product_id,
        date,
        opening,
        opening + received + fulfilled + returned + adjusted + transferred + counted_variance as expected,
        closing,
        lag(closing, 1, 0) over pairs as closed_before,
        row_number() over (partition by tenant, location_id, product_id order by date desc) as days_to_last
    from {{ ref('daily_inventory') }}
    window pairs as (partition by tenant, location_id, product_id order by date)

)

select
    coalesce(days.tenant, stock.tenant) as tenant,
    coalesce(days.location_id, stock.location_id) as location_id,
    coalesce(days.product_id, stock.product_id) as product_id,
    days.date,
    days.opening,
    days.expected,
    days.closing,
    stock.on_hand
from days
full join {{ ref('fct_inventory_on_hand') }} as stock
    on days.tenant = stock.tenant and days.location_id = stock.location_id and days.product_id = stock.product_id
where
    stock.tenant is null
    or days.tenant is null
    or days.expected is distinct from days.closing
    or days.opening is distinct from days.closed_before
    or (days.days_to_last = 1 and days.closing is distinct from stock.on_hand)
