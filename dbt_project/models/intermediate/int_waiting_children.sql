{#- For each staging model, the parents that its events name: what the parent is, and SQL of its id. -#}
{%- set children = {
    'stg_order_events': {'order': 'order_id', 'customer': said('payload.customer_id')},
    'stg_payment_events': {'order': 'order_id'},
    'stg_refund_events': {'order': 'order_id', 'payment_account': said('payload.payment_account_id')},
    'stg_return_events': {'order': 'order_id', 'customer': said('payload.customer_id')},
    'stg_invoice_events': {'order': 'order_id'},
    'stg_fulfillment_events': {'order': 'order_id'},
    'stg_address_events': {'customer': 'customer_id'},
} -%}
{#- What these events are of, of which a mart says whose it is: the column of its id. -#}
{%- set ids_of_children = {
    'stg_order_events': 'order_id',
    'stg_payment_events': 'payment_account_id',
    'stg_refund_events': 'refund_request_id',
    'stg_return_events': 'return_id',
    'stg_invoice_events': 'invoice_id',
    'stg_fulfillment_events': 'fulfillment_request_id',
    'stg_address_events': 'address_id',
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
    incremental_strategy='delete+insert',
    meta={
        'entity': ['tenant', 'parent', 'parent_id'],
        'sources': children | list + ['stg_customer_events', 'int_orders'],
    },
) }}

{%- set position = built_position() if is_incremental() else 0 %}

with news as (
    {% for source, ids in children.items() %}
    {%- for parent, id in ids.items() %}
    select
        tenant,
        '{{ parent }}' as parent,
        {{ id }} as parent_id,
        {{ ids_of_children[source] }} as child_id,
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

{% if is_incremental() -%}
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
        {%- if is_incremental() %}
        and (tenant, {{ it.id }}) in (
            select
                named.tenant,
                named.parent_id
            from named
            where named.parent = '{{ parent }}'
        )
        {%- endif %}
    {{- ' union all' if not loop.last or is_incremental() }}
    {%- endfor %}
    {%- if is_incremental() %}
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
    {%- if is_incremental() %}
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
