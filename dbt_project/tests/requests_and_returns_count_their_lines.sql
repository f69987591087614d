-- Headers of fulfilment requests and returns beside their lines.
with units as (

    select
        tenant,
        fulfillment_request_id as id,
        sum(quantity) as item_count
    from {{ ref('fct_fulfillment_items') }}
    group by tenant, fulfillment_request_id

),

returned as (

    select
        tenant,
        return_id as id,
        sum(quantity) as item_count
    from {{ ref('fct_return_items') }}
    where lower(item_type) is distinct from 'shipping'
    group by tenant, return_id

)

select
    requests.tenant,
    requests.fulfillment_request_id as id,
    requests.item_count,
    units.item_count as item_lines
from {{ ref('fct_fulfillment_requests') }} as requests
full join units on requests.tenant = units.tenant and requests.fulfillment_request_id = units.id
where requests.item_count is distinct from coalesce(units.item_count, 0)
union all
select
    returns.tenant,
    returns.return_id as id,
    returns.item_count,
    returned.item_count as item_lines
from {{ ref('fct_returns') }} as returns
full join returned on returns.tenant = returned.tenant and returns.return_id = returned.id
where returns.item_count is distinct from coalesce(returned.item_count, 0)
