{%- set sources = [
    'stg_order_events', 'stg_payment_orders', 'stg_refund_orders', 'stg_return_orders', 'stg_invoice_orders',
    'stg_fulfillment_orders',
] -%}
{#- Where an order is named: by what happens to its units, and by what is written and paid. -#}
{%- set units = ['stg_order_events', 'fct_returns', 'fct_fulfillment_requests'] -%}
{%- set papers = ['fct_payment_transactions', 'stg_payment_orders', 'fct_refund_requests', 'fct_invoices'] -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources}) }}
{%- for source in sources %}
-- depends_on: {{ ref(source) }}
{%- endfor %}

with events as (

    {{ counted_events('stg_order_events') }}

),

-- NewStore makes up an order for a blind return, and pays under its id. That alone makes no order of it.
orders as (

    (
        {%- for source in papers %}
        select
            tenant,
            order_id
        from {{ near(source) }}
        where
            {{ 'is_without_transactions' if source == 'stg_payment_orders' else 'order_id is not null' }}
            {{ and_touched() }}
        {{- ' union' if not loop.last }}
        {%- endfor %}
        except
        select
            tenant,
            blind_order_id as order_id
        from {{ near('fct_returns', ['tenant', 'blind_order_id']) }}
        where
            is_blind
            {%- if is_partial() %}
            and {{ is_touched('tenant', 'blind_order_id') }}
            {%- endif %}
    )
    {%- for source in units %}
    union
    select
        tenant,
        order_id
    from {{ near(source) }}
    where order_id is not null {{ and_touched() }}
    {%- endfor %}

),

headers as (

    {{ order_headers('events') }}

),

steps as (

    select
        tenant,
        order_id,
        min({{ order_step_at() }}) filter (where event_name = 'order.opened') as opened_at,
        min({{ order_step_at() }}) filter (
            where event_name in ('order.completed', 'order.shipped')
        ) as completed_at,
        min({{ order_step_at() }}) filter (where event_name = 'order.cancelled') as cancelled_at,
        arg_max({{ said('payload.customer_id') }}, (published_at, payload_hash)) as customer_id
    from events
    group by tenant, order_id

),

-- A unit that was swapped away is not a unit of the order any more: the one that replaced it is.
units as (

    select
        items.tenant,
        items.order_id,
        bool_and(items.status = 'cancelled') as is_cancelled,
        bool_or(items.status = 'on_hold') as is_on_hold,
        sum(items.quantity) as item_count,
        sum(items.quantity) filter (where items.status = 'cancelled') as cancelled_item_count,
        sum(items.quantity) filter (
            where items.fulfilled_at is not null and items.status != 'cancelled'
        ) as fulfilled_item_count,
        sum(items.returned_quantity) as returned_item_count,
        min(items.assigned_at) as first_assigned_at,
        min(items.fulfilled_at) as first_fulfilled_at,
        max(items.cancelled_at) as last_cancelled_at
    from {{ ref('fct_order_items') }} as items
    where
        items.swapped_to_item_id is null
        and lower(items.item_type) is distinct from 'shipping'
        {{ and_touched('items') }}
    group by items.tenant, items.order_id

),

joined as (

    select
        orders.tenant,
        orders.order_id,
        headers.event_name as header_name,
        headers.payload as header,
        headers.published_at as header_published_at,
        coalesce(units.item_count, 0) as item_count,
        coalesce(units.cancelled_item_count, 0) as cancelled_item_count,
        coalesce(units.fulfilled_item_count, 0) as fulfilled_item_count,
        coalesce(units.returned_item_count, 0) as returned_item_count,
        coalesce(units.is_on_hold, false) as is_on_hold,
        units.first_assigned_at,
        units.first_fulfilled_at,
        steps.opened_at,
        steps.completed_at,
        steps.customer_id as told_customer_id,
        -- Without its header nobody knows whether the cancelled units are all there are.
        case
            when steps.cancelled_at is not null then steps.cancelled_at
            when headers.event_name is not null and units.is_cancelled
                then units.last_cancelled_at
        end as cancelled_at
    from orders
    left join steps on orders.tenant = steps.tenant and orders.order_id = steps.order_id
    left join headers on orders.tenant = headers.tenant and orders.order_id = headers.order_id
    left join units on orders.tenant = units.tenant and orders.order_id = units.order_id

),

final as (

    select
        tenant,
        order_id,
        {{ said('header.external_id') }} as external_id,
        case
            when cancelled_at is not null then 'cancelled'
            when completed_at is not null then 'completed'
            when is_on_hold then 'on_hold'
            when header_name = 'order.opened' then 'opened'
            when header_name = 'order.created' then 'created'
            else 'unknown'
        end as status,
        header_name is not null as has_header,
        case
            when header_name in ('order.opened', 'order.created') then split_part(header_name, '.', 2)
            when header_name is not null then 'completed'
        end as header_source,
        header.is_exchange,
        header.is_historical,
        {{ said('header.channel_type') }} as channel_type,
        {{ said('header.channel') }} as channel,
        {{ said('header.demand_location_id') }} as demand_location_id,
        -- A header that names nobody is of an anonymous buyer.
        case
            when header_name is null then told_customer_id else {{ said('header.customer_id') }}
        end as customer_id,
        {{ said('header.external_customer_id') }} as external_customer_id,
        {{ said('header.customer_email') }} as customer_email,
        {{ said('header.associate_id') }} as associate_id,
        {{ said('header.currency') }} as currency,
        {{ said('header.price_method') }} as price_method,
        header.subtotal,
        header.discount_total,
        header.shipping_total,
        header.shipping_tax,
        header.tax_total,
        header.grand_total,
        try_cast(item_count as bigint) as item_count,
        try_cast(cancelled_item_count as bigint) as cancelled_item_count,
        try_cast(fulfilled_item_count as bigint) as fulfilled_item_count,
        try_cast(returned_item_count as bigint) as returned_item_count,
        {{ utc('header.placed_at') }} as placed_at,
        {{ utc('header.created_at') }} as created_at,
        opened_at,
        first_assigned_at,
        first_fulfilled_at,
        completed_at,
        cancelled_at,
        coalesce(
            {{ utc('header.placed_at') }}, {{ utc('header.created_at') }}, opened_at, header_published_at
        ) as ordered_at,
        header_name is not null and not coalesce(header.is_historical, false) as is_sale
    from joined

)

select * from final
