-- What is asked for, paid and invoiced is an order's, or of the order that NewStore made up for a blind return.
with papers as (
    {% for model in ['fct_payment_transactions', 'fct_payment_accounts', 'fct_refund_requests', 'fct_invoices'] %}
    select
        '{{ model }}' as model,
        tenant,
        order_id
    from {{ ref(model) }}
    where order_id is not null
    {{- ' union' if not loop.last }}
    {%- endfor %}

)

select papers.*
from papers
left join {{ ref('fct_orders') }} as orders on papers.tenant = orders.tenant and papers.order_id = orders.order_id
left join {{ ref('fct_returns') }} as returns
    on papers.tenant = returns.tenant and papers.order_id = returns.blind_order_id and returns.is_blind
where orders.tenant is null and returns.tenant is null
