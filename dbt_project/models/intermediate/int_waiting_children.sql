{#- For each staging model, the column of what its events are of, and SQL of the ids of the parents that they name. -#}
{%- set children = {
    'stg_order_events': ('order_id', {'order': 'order_id', 'customer': said('payload.customer_id')}),
    'stg_payment_events': ('payment_account_id', {'order': 'order_id'}),
    'stg_refund_events': (
        'refund_request_id', {'order': 'order_id', 'payment_account': said('payload.payment_account_id')},
    ),
    'stg_return_events': ('return_id', {'order': 'order_id', 'customer': said('payload.customer_id')}),
    'stg_invoice_events': ('invoice_id', {'order': 'order_id'}),
    'stg_fulfillment_events': ('fulfillment_request_id', {'order': 'order_id'}),
    'stg_address_events': ('address_id', {'customer': 'customer_id'}),
} -%}
{#- For each parent, the events by which it comes. -#}
{%- set parents = {
    'order': {'id': 'order_id', 'events': 'stg_order_events', 'which': 'is_header'},
    'customer': {'id': 'customer_id', 'events': 'stg_customer_events'},
    'payment_account': {'id': 'payment_account_id', 'events': 'stg_payment_events'},
} -%}
{#- With int_orders among them this model is never further in the log than the orders in which it looks for headers. -#}
{{ config(
    unique_key=['tenant', 'parent', 'variant_id'],
    materialized='by_key',
    meta={
        'entity': ['tenant', 'parent', 'parent_id'],
        'sources': children | list + ['stg_customer_events', 'int_orders'],
    },
) }}

{%- set position = built_position() %}

with news as (
    {% for source, (child, parents_named) in children.items() %}
    {%- for parent, id in parents_named.items() %}
    select
        tenant,
        '{{ parent }}' as parent,
        {{ id }} as parent_id,
        {{ child }} as child_id,
        event_name,
        idempotency_key,
        payload_hash,
        published_at,
        variant_id
    from {{ ref(source) }}
    where changed_batch > {{ position }} and {{ id }} is not null
    {{- ' union all' if not loop.last }}
    {%- endfor %}
    {{- ' union all' if not loop.last }}
    {%- endfor %}

),

{% if is_partial() -%}
-- The parents of which an event is new: what waited after the last run waited for one of these, or waits on.
arrived as (
    {% for parent, it in parents.items() %}
    select
        tenant,
        '{{ parent }}' as parent,
        {{ it.id }} as parent_id
    from {{ ref(it.events) }}
    where
        changed_batch > {{ position }}
        {%- if it.which %}
        and {{ it.which }}
        {%- endif %}
    {{- ' union' if not loop.last }}
    {%- endfor %}

),

-- As a list, which DuckDB expects to be short: it takes a fifth of each table for new, and would hash the large ones.
named as (

    select unnest(list({ 'tenant': tenant, 'parent': parent, 'parent_id': parent_id }), recursive := true)
    from (
        select
            tenant,
            parent,
            parent_id
        from news
        except
        select * from arrived
    ) as others

),

{% endif -%}
known as (
    {% for parent, it in parents.items() %}
    select distinct
        tenant,
        '{{ parent }}' as parent,
        {{ it.id }} as parent_id
    from {{ ref('int_orders' if parent == 'order' else it.events) }}
    where
        {{ 'header_variant_id is not null' if parent == 'order' else 'true' }}
        {%- if is_partial() %}
        and (tenant, {{ it.id }}) in (
            select
                named.tenant,
                named.parent_id
            from named
            where named.parent = '{{ parent }}'
        )
        {%- endif %}
    {{- ' union all' if not loop.last or is_partial() }}
    {%- endfor %}
    {%- if is_partial() %}
    select
        tenant,
        parent,
        parent_id
    from arrived
    {%- endif %}

),

final as (

    select
        news.*,
        true as is_waiting
    from news
    left join known
        on news.tenant = known.tenant and news.parent = known.parent and news.parent_id = known.parent_id
    where known.tenant is null
    {%- if is_partial() %}
    union all
    select
        tenant,
        parent,
        parent_id,
        child_id,
        event_name,
        idempotency_key,
        payload_hash,
        published_at,
        variant_id,
        false as is_waiting
    from {{ this }}
    where
        is_waiting
        and (tenant, parent, parent_id) in (
            select
                arrived.tenant,
                arrived.parent,
                arrived.parent_id
            from arrived
        )
    {%- endif %}

)

select * from final
