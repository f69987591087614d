{{ config(unique_key=['tenant', 'order_id'], materialized='by_key', meta={'sources': ['int_orders']}) }}

with changed as (

    select
        tenant,
        order_id,
        customer_key,
        ordered_at
    from {{ ref('int_orders') }}
    {%- if is_partial() %}
    where changed_batch > {{ built_position() }}
    {%- endif %}

),

{% if is_partial() -%}
known as (

    select
        tenant,
        order_id,
        customer_key,
        ordered_at
    from {{ this }}
    where is_first

),

-- Only where a first order is not what it was are all orders of its customer looked through: one who buys in every
-- store every minute has a million of them.
lost as (

    select
        known.tenant,
        known.order_id,
        known.customer_key
    from known
    inner join changed on known.tenant = changed.tenant and known.order_id = changed.order_id
    where (known.customer_key, known.ordered_at) is distinct from (changed.customer_key, changed.ordered_at)

),

looked_at as (

    select
        tenant,
        customer_key
    from changed
    where customer_key is not null
    union
    select
        tenant,
        customer_key
    from lost

),

replaced as (

    select known.*
    from known
    inner join looked_at on known.tenant = looked_at.tenant and known.customer_key = looked_at.customer_key

),

candidates as (

    select
        tenant,
        order_id,
        customer_key,
        ordered_at
    from {{ ref('int_orders') }}
    where (tenant, customer_key) in (select (lost.tenant, lost.customer_key) from lost)
    union all
    select * from changed
    where customer_key is not null
    union all
    select * from replaced
    where (tenant, order_id) not in (select (lost.tenant, lost.order_id) from lost)

),

{% else -%}
candidates as (

    select * from changed
    where customer_key is not null

),

{% endif -%}
firsts as (

    select
        tenant,
        arg_min(order_id, (ordered_at, order_id)) as order_id,
        customer_key,
        min(ordered_at) as ordered_at
    from candidates
    group by tenant, customer_key

),

news as (
    {% if is_partial() %}
    select
        tenant,
        order_id,
        customer_key,
        ordered_at,
        true as is_first
    from (
        select * from firsts
        except
        select * from replaced
    ) as begun
    union all
    select
        tenant,
        order_id,
        customer_key,
        ordered_at,
        false as is_first
    from replaced
    where (tenant, order_id) not in (select (firsts.tenant, firsts.order_id) from firsts)
    {%- else %}
    select
        tenant,
        order_id,
        customer_key,
        ordered_at,
        true as is_first
    from firsts
    {%- endif %}

),

final as (

    select
        tenant,
        order_id,
        customer_key,
        ordered_at,
        is_first,
        {{ log_position() }}::bigint as changed_batch
    from news

)

select * from final
