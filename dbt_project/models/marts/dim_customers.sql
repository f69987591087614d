{%- set sources = [
    'stg_customer_events', 'stg_address_events', 'int_order_customers', 'int_return_customers',
] -%}
{{ config(meta={'entity': ['tenant', 'customer_id'], 'sources': sources}) }}
-- depends_on: {{ ref('stg_customer_events') }}, {{ ref('int_order_customers') }}, {{ ref('int_return_customers') }}

-- An edit carries the whole customer, so the newest state says everything there is.
with profiles as (

    select
        tenant,
        customer_id,
        any_value(email) filter (where is_newest) as email,
        any_value(first_name) filter (where is_newest) as first_name,
        any_value(last_name) filter (where is_newest) as last_name,
        any_value(phone) filter (where is_newest) as phone,
        max(revision) as revision,
        any_value(occurred_at) filter (where is_newest) as updated_at,
        bool_or(is_creation) as is_complete,
        coalesce(min(occurred_at) filter (where is_creation), arg_max(created_at, step)) as created_at
    from {{ touched_rows('int_customer_states') }}
    group by tenant, customer_id

),

addresses as (

    select distinct
        tenant,
        customer_id
    from {{ touched_rows('stg_address_events') }}
    where customer_id is not null

),

orders as (

    select
        orders.tenant,
        orders.customer_id,
        count(*) as order_count,
        min(orders.ordered_at) as first_order_at,
        max(orders.ordered_at) as last_order_at
    from {{ touched_rows('fct_orders') }} as orders
    where orders.customer_id is not null
    group by orders.tenant, orders.customer_id

),

-- Whoever is named anywhere: all whom this run recomputes.
named as (
    {% for source in sources %}
    select
        tenant,
        customer_id
    from {{ touched_rows(source) }}
    where customer_id is not null
    {{- ' union' if not loop.last }}
    {%- endfor %}

),

-- A return that names no customer is its order's customer's.
customers_of_returns as (

    select
        returns.tenant,
        coalesce(returns.customer_id, orders.customer_id) as customer_id
    from {{ ref('fct_returns') }} as returns
    left join {{ ref('fct_orders') }} as orders
        on returns.tenant = orders.tenant and returns.order_id = orders.order_id

),

returns as (

    select
        tenant,
        customer_id,
        count(*) as return_count
    from customers_of_returns
    where (tenant, customer_id) in (select (named.tenant, named.customer_id) from named)
    group by tenant, customer_id

),

customers as (
    {% for part in ['profiles', 'addresses', 'orders', 'returns'] %}
    select
        tenant,
        customer_id
    from {{ part }}
    {{- ' union' if not loop.last }}
    {%- endfor %}

),

final as (

    select
        customers.tenant,
        customers.customer_id,
        profiles.email,
        profiles.first_name,
        profiles.last_name,
        profiles.phone,
        profiles.revision,
        coalesce(profiles.is_complete, false) as is_complete,
        profiles.created_at,
        profiles.updated_at,
        orders.first_order_at,
        orders.last_order_at,
        coalesce(orders.order_count, 0) as order_count,
        coalesce(returns.return_count, 0) as return_count
    from customers
    left join profiles on customers.tenant = profiles.tenant and customers.customer_id = profiles.customer_id
    left join orders on customers.tenant = orders.tenant and customers.customer_id = orders.customer_id
    left join returns on customers.tenant = returns.tenant and customers.customer_id = returns.customer_id

)

select * from final
