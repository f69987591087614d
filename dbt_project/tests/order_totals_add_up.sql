{{ config(severity='warn') }}

-- NewStore's totals as sent; its own documented sample does not add up, so this is to be looked at, not refused.
with totals as (

    select
        tenant,
        order_id,
        subtotal - discount_total + shipping_total
        + case when price_method = 'tax_included' then 0 else tax_total end as expected,
        grand_total
    from {{ ref('fct_orders') }}
    where has_header

)

select *
from totals
where abs(expected - grand_total) > 0.01
