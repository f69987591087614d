-- The newest event of the log tells the time: a log that stands still does not age.
with newest as (

    select max(published_at) as published_at
    from {{ ref('int_newest_events') }}

),

-- An event under a documented key is what the variant says that won.
waiting as (

    select children.*
    from {{ ref('int_waiting_children') }} as children
    left join {{ ref('event_conflicts') }} as conflicts
        on children.tenant = conflicts.tenant
        and children.event_name = conflicts.event_name
        and children.idempotency_key = conflicts.idempotency_key
        and children.payload_hash != conflicts.winner_payload_hash
    where children.is_waiting and conflicts.tenant is null

),

-- What other events of a child say of an order that the child does not belong to.
overruled as (
    {% for kind, names in {
        'return': ['stg_return_orders', 'fct_returns', 'return_id'],
        'refund_request': ['stg_refund_orders', 'fct_refund_requests', 'refund_request_id'],
        'invoice': ['stg_invoice_orders', 'fct_invoices', 'invoice_id'],
        'fulfillment_request': ['stg_fulfillment_orders', 'fct_fulfillment_requests', 'fulfillment_request_id'],
    }.items() %}
    select
        named.tenant,
        '{{ kind }}' as kind,
        named.{{ names[2] }} as child_id,
        named.order_id
    from {{ ref(names[0]) }} as named
    inner join {{ ref(names[1]) }} as children
        on named.tenant = children.tenant
        and named.{{ names[2] }} = children.{{ names[2] }}
        and named.order_id is distinct from children.order_id
    where named.is_contested
    union all
    {%- endfor %}
    -- An account may hold the money of several orders.
    select
        named.tenant,
        'payment_account' as kind,
        named.payment_account_id as child_id,
        named.order_id
    from {{ ref('stg_payment_orders') }} as named
    left join {{ ref('fct_payment_transactions') }} as children
        on named.tenant = children.tenant
        and named.payment_account_id = children.payment_account_id
        and named.order_id = children.order_id
    where named.is_contested and not named.is_without_transactions and children.tenant is null

),

-- A child has one customer, and a request one account: those that its mart shows.
owned as (
    {% for kind, names in {
        'order': ['fct_orders', 'order_id', 'customer', 'customer_id'],
        'return': ['fct_returns', 'return_id', 'customer', 'customer_id'],
        'customer': ['dim_customer_addresses', 'address_id', 'customer', 'customer_id'],
        'refund_request': ['fct_refund_requests', 'refund_request_id', 'payment_account', 'payment_account_id'],
    }.items() %}
    select waiting.*
    from waiting
    inner join {{ ref(names[0]) }} as children
        on waiting.tenant = children.tenant
        and waiting.child_id = children.{{ names[1] }}
        and waiting.parent_id = children.{{ names[3] }}
    where waiting.parent = '{{ names[2] }}' and split_part(waiting.event_name, '.', 1) = '{{ kind }}'
    {{- ' union all' if not loop.last }}
    {%- endfor %}

),

-- Every order that is named has a row, but for those that NewStore makes up for blind returns.
orders as (

    select
        tenant,
        order_id
    from {{ ref('fct_orders') }}
    where not has_header

),

counted as (

    select waiting.*
    from waiting
    left join orders on waiting.tenant = orders.tenant and waiting.parent_id = orders.order_id
    left join overruled
        on waiting.tenant = overruled.tenant
        and waiting.parent_id = overruled.order_id
        and waiting.child_id = overruled.child_id
        and split_part(waiting.event_name, '.', 1) = overruled.kind
    where waiting.parent = 'order' and orders.tenant is not null and overruled.tenant is null
    union all
    select * from owned

),

grouped as (

    select
        tenant,
        parent,
        parent_id,
        event_name,
        count(distinct idempotency_key) as events,
        min(published_at) as first_published_at,
        max(published_at) as last_published_at
    from counted
    group by tenant, parent, parent_id, event_name

),

final as (

    select
        grouped.tenant,
        grouped.parent,
        grouped.parent_id,
        grouped.event_name,
        grouped.events,
        grouped.first_published_at,
        grouped.last_published_at,
        -- Parquet keeps no more of an interval, and readers must see what was built.
        date_trunc('milliseconds', newest.published_at - grouped.first_published_at) as age
    from grouped
    cross join newest

)

select * from final
