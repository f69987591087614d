{%- set sources = [
    'stg_order_events', 'stg_payment_events', 'stg_refund_events', 'stg_return_events', 'stg_invoice_events',
    'stg_fulfillment_events', 'stg_inventory_transaction_events', 'stg_inventory_count_events', 'stg_customer_events',
    'stg_address_events', 'stg_employee_events',
] -%}
{%- set documented = "'" ~ contract().documented | join("', '") ~ "'" -%}
{{ config(
    materialized='by_entity',
    meta={'entity': ['tenant', 'event_name', 'idempotency_key'], 'sources': sources},
) }}

with variants as (
    {% for source in sources %}
    select
        tenant,
        event_name,
        idempotency_key,
        payload_hash,
        published_at
    from {{ touched_rows(source) }}

    {{- ' union all' if not loop.last }}
    {%- endfor %}

),

keys as (

    select
        tenant,
        event_name,
        idempotency_key,
        event_name in ({{ documented }}) as is_documented,
        count(*) as variants,
        arg_max(payload_hash, (published_at, payload_hash)) as winner,
        min(published_at) as first_published_at,
        max(published_at) as last_published_at
    from variants
    group by tenant, event_name, idempotency_key

),

final as (

    select
        tenant,
        event_name,
        idempotency_key,
        case when is_documented then 'documented' else 'inferred' end as key_source,
        variants,
        case when is_documented then winner end as winner_payload_hash,
        first_published_at,
        last_published_at
    from keys
    where variants > 1

)

select * from final
