{{ config(severity='warn') }}

-- The lines of a return, shipping included, come to its total as sent; where they do not, NewStore's totals stand.
with lines as (

    select
        tenant,
        return_id,
        sum(refund_amount) as refund_amount
    from {{ ref('fct_return_items') }}
    group by tenant, return_id

)

select
    returns.tenant,
    returns.return_id,
    lines.refund_amount,
    returns.total_refund_amount
from {{ ref('fct_returns') }} as returns
inner join lines on returns.tenant = lines.tenant and returns.return_id = lines.return_id
where abs(lines.refund_amount - returns.total_refund_amount) > 0.01
