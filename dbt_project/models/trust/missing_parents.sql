{%- set children_of_orders = [
    'stg_order_events', 'stg_payment_events', 'stg_refund_events', 'stg_return_events', 'stg_invoice_events',
    'stg_fulfillment_events',
] -%}
{%- set children_of_customers = {
    'stg_order_events': said('payload.customer_id'),
    'stg_return_events': said('payload.customer_id'),
    'stg_address_events': 'customer_id',
} -%}

-- The newest event of the log tells the time: a log that stands still does not age.
with newest as (

    select max(published_at) as published_at
    from {{ ref('stg_deliveries') }}
    where is_event

),

orders as (

    select
        tenant,
        order_id
    from {{ ref('fct_orders') }}
    where not has_header

),

customers as (

    select distinct
        tenant,
        customer_id
    from {{ ref('stg_customer_events') }}

),

-- An account's events carry its order's id, which is also its own.
accounts as (

    select distinct
        tenant,
        order_id as payment_account_id
    from {{ ref('stg_payment_events') }}

),

refund_requests as (

    select
        tenant,
        event_name,
        idempotency_key,
        published_at,
        {{ said('payload.payment_account_id') }} as payment_account_id
    from {{ ref('stg_refund_events') }}

),

waiting as (
    {% for source in children_of_orders %}
    select
        events.tenant,
        'order' as parent,
        events.order_id as parent_id,
        events.event_name,
        events.idempotency_key,
        events.published_at
    from {{ ref(source) }} as events
    inner join orders on events.tenant = orders.tenant and events.order_id = orders.order_id
    union all
    {% endfor %}
    {%- for source, customer in children_of_customers.items() %}
    select
        events.tenant,
        'customer' as parent,
        events.customer_id as parent_id,
        events.event_name,
        events.idempotency_key,
        events.published_at
    from (
        select
            tenant,
            {{ customer }} as customer_id,
            event_name,
            idempotency_key,
            published_at
        from {{ ref(source) }}
    ) as events
    left join customers on events.tenant = customers.tenant and events.customer_id = customers.customer_id
    where events.customer_id is not null and customers.tenant is null
    union all
    {% endfor %}
    select
        events.tenant,
        'payment_account' as parent,
        events.payment_account_id as parent_id,
        events.event_name,
        events.idempotency_key,
        events.published_at
    from refund_requests as events
    left join accounts on events.tenant = accounts.tenant and events.payment_account_id = accounts.payment_account_id
    where events.payment_account_id is not null and accounts.tenant is null

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
    from waiting
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
