-- No money is lost or counted twice on the way from the transactions to the accounts.
with transactions as (

    select
        tenant,
        order_id,
        sum(amount) as amount
    from {{ ref('fct_payment_transactions') }}
    group by tenant, order_id

),

accounts as (

    select
        tenant,
        order_id,
        sum(authorized + captured + refunded + voided) as amount
    from {{ ref('fct_payment_accounts') }}
    group by tenant, order_id

)

select
    coalesce(transactions.tenant, accounts.tenant) as tenant,
    coalesce(transactions.order_id, accounts.order_id) as order_id,
    transactions.amount as transacted,
    accounts.amount as accounted
from transactions
full join accounts on transactions.tenant = accounts.tenant and transactions.order_id = accounts.order_id
where coalesce(transactions.amount, 0) is distinct from coalesce(accounts.amount, 0)
