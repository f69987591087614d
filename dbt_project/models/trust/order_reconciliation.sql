{%- set sources = [
    'stg_order_events', 'stg_payment_orders', 'stg_refund_orders', 'stg_return_orders', 'stg_invoice_orders',
] -%}
{#- What a sum is where there is nothing: unknown of what an order or an invoice would say. -#}
{%- set kinds = {
    'ordered': 'null', 'cancelled': '0', 'invoiced': 'null', 'authorized': '0', 'captured': '0', 'refunded': '0',
    'refund_requested': '0', 'returned': '0',
} -%}
{#- Each difference by its name: the kind of amount from which the others are taken, and those. -#}
{%- set differences = {
    'ordered_not_invoiced': ['ordered', 'cancelled', 'invoiced'],
    'ordered_not_captured': ['ordered', 'cancelled', 'captured'],
    'invoiced_not_captured': ['invoiced', 'captured'],
    'returned_not_refunded': ['returned', 'refunded'],
    'requested_not_refunded': ['refund_requested', 'refunded'],
} -%}
{{ config(
    materialized='by_entity',
    meta={'entity': ['tenant', 'order_id'], 'sources': sources},
) }}
{%- for source in sources %}
-- depends_on: {{ ref(source) }}
{%- endfor %}

with orders as (

    select
        tenant,
        order_id,
        has_header,
        is_exchange,
        price_method,
        cancelled_at,
        currency,
        grand_total
    from {{ touched_rows('fct_orders') }}

),

-- Prices hold their tax or not, as the order says.
cancelled_units as (

    select
        items.tenant,
        items.order_id,
        sum(items.net_amount) as net_amount,
        sum(items.tax) as tax
    from {{ touched_rows('fct_order_items') }} as items
    where items.status = 'cancelled' and items.swapped_to_item_id is null
    group by items.tenant, items.order_id

),

-- Every amount comes alone, so that no two of an order's children ever meet in a join. A blind return's money is paid
-- under the order that NewStore made up for it.
amounts as (

    select
        tenant,
        order_id,
        currency,
        'ordered' as kind,
        grand_total as amount
    from orders
    union all
    select
        orders.tenant,
        orders.order_id,
        orders.currency,
        'cancelled' as kind,
        case
            when orders.cancelled_at is not null then orders.grand_total
            when orders.price_method = 'tax_included' then cancelled_units.net_amount
            else cancelled_units.net_amount::decimal(38, 4) + coalesce(cancelled_units.tax, 0)
        end as amount
    from orders
    left join cancelled_units
        on orders.tenant = cancelled_units.tenant and orders.order_id = cancelled_units.order_id
    {%- for mart, kind, amount in [
        ('fct_payment_transactions', 'transaction_type', 'coalesce(amount, 0)'),
        ('fct_invoices', "'invoiced'", 'amount'),
        ('fct_refund_requests', "'refund_requested'", 'amount'),
        ('fct_returns', "'returned'", 'coalesce(total_refund_amount_adjusted, total_refund_amount)'),
    ] %}
    union all
    select
        tenant,
        order_id,
        currency,
        {{ kind }} as kind,
        {{ amount }} as amount
    from {{ touched_rows(mart) }}
    where order_id is not null
    {%- endfor %}
    union all
    select
        tenant,
        blind_order_id as order_id,
        currency,
        'returned' as kind,
        coalesce(total_refund_amount_adjusted, total_refund_amount) as amount
    from {{ touched_rows('fct_returns', ['tenant', 'blind_order_id']) }}
    where
        is_blind
        and blind_order_id is not null

),

-- What says no currency is taken to be in the order's.
amounts_in_currency as (

    select
        amounts.tenant,
        amounts.order_id,
        coalesce(nullif(amounts.currency, 'XXX'), orders.currency, 'XXX') as currency,
        amounts.kind,
        amounts.amount
    from amounts
    left join orders on amounts.tenant = orders.tenant and amounts.order_id = orders.order_id
    where amounts.amount is not null

),

totals as (

    select
        tenant,
        order_id,
        {%- for kind, of_none in kinds.items() %}
        try_cast(
            coalesce(sum(amount) filter (where kind = '{{ kind }}'), {{ of_none }}) as decimal(18, 4)
        ) as {{ kind }},
        {%- endfor %}
        currency
    from amounts_in_currency
    group by tenant, order_id, currency

),

final as (

    select
        totals.*,
        {%- for name, terms in differences.items() %}
        try_cast(0::decimal(38, 4) + totals.{{ terms | join(' - totals.') }} as decimal(18, 4)) as {{ name }},
        {%- endfor %}
        coalesce(orders.has_header, false) as has_header,
        orders.is_exchange
    from totals
    left join orders on totals.tenant = orders.tenant and totals.order_id = orders.order_id

)

select * from final
