{%- set sources = [
    'stg_order_events', 'stg_payment_orders', 'stg_refund_orders', 'stg_return_orders', 'stg_invoice_orders',
    'stg_fulfillment_orders',
] -%}
{#- Where an order is named: by what happens to its units, and by what is written and paid. -#}
{%- set units = ['int_orders', 'fct_returns', 'fct_fulfillment_requests'] -%}
{%- set papers = ['fct_payment_transactions', 'stg_payment_orders', 'fct_refund_requests', 'fct_invoices'] -%}
{%- set columns_of_the_header = [
    'external_id', 'is_exchange', 'is_historical', 'channel_type', 'channel', 'demand_location_id', 'customer_id',
    'external_customer_id', 'customer_email', 'associate_id', 'ship_to_country', 'ship_to_state', 'ship_to_zip',
    'coupon_codes', 'currency', 'price_method', 'subtotal', 'discount_total', 'shipping_total', 'shipping_tax',
    'tax_total', 'grand_total', 'placed_at', 'created_at',
] -%}
{%- set zones = {'rows': 'int_orders', 'location': 'demand_location_id', 'channel': 'channel'} -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources, 'zones': zones}) }}
{%- for source in sources %}
-- depends_on: {{ ref(source) }}
{%- endfor %}

-- NewStore makes up an order for a blind return, and pays under its id. That alone makes no order of it.
with orders as (

    (
        {%- for source in papers %}
        select
            tenant,
            order_id
        from {{ touched_rows(source) }}
        where
            {{ 'is_without_transactions' if source == 'stg_payment_orders' else 'order_id is not null' }}
        {{- ' union' if not loop.last }}
        {%- endfor %}
        except
        select
            tenant,
            blind_order_id as order_id
        from {{ touched_rows('fct_returns', ['tenant', 'blind_order_id']) }}
        where is_blind
    )
    {%- for source in units %}
    union
    select
        tenant,
        order_id
    from {{ touched_rows(source) }}
    where order_id is not null
    {%- endfor %}

),

told as (

    select *
    from {{ touched_rows('int_orders') }}

),

-- A unit that was swapped away is not a unit of the order any more: the one that replaced it is.
units as (

    select
        items.tenant,
        items.order_id,
        bool_and(items.status = 'cancelled') as is_cancelled,
        bool_or(items.status = 'on_hold') as is_on_hold,
        bool_or(items.shipping_service_level = 'IN_STORE_HANDOVER') as is_pickup,
        sum(items.quantity) as item_count,
        sum(items.quantity) filter (where items.status = 'cancelled') as cancelled_item_count,
        sum(items.quantity) filter (
            where items.fulfilled_at is not null and items.status != 'cancelled'
        ) as fulfilled_item_count,
        sum(items.returned_quantity) as returned_item_count,
        min(items.assigned_at) as first_assigned_at,
        min(items.fulfilled_at) as first_fulfilled_at,
        max(items.cancelled_at) as last_cancelled_at
    from {{ touched_rows('fct_order_items') }} as items
    where
        items.swapped_to_item_id is null
        and lower(items.item_type) is distinct from 'shipping'
    group by items.tenant, items.order_id

),

joined as (

    select
        orders.tenant,
        orders.order_id,
        told.header_name,
        {%- for column in columns_of_the_header %}
        told.{{ column }},
        {%- endfor %}
        told.opened_at,
        told.completed_at,
        told.ordered_at,
        told.business_date,
        told.business_hour,
        coalesce(told.is_sale, false) as is_sale,
        -- Without its header nobody knows whether the cancelled units are all there are.
        coalesce(
            told.cancelled_at,
            case when told.header_name is not null and units.is_cancelled then units.last_cancelled_at end
        ) as cancelled_at,
        {%- for count in ['item_count', 'cancelled_item_count', 'fulfilled_item_count', 'returned_item_count'] %}
        try_cast(coalesce(units.{{ count }}, 0) as bigint) as {{ count }},
        {%- endfor %}
        units.is_pickup,
        units.first_assigned_at,
        units.first_fulfilled_at,
        coalesce(units.is_on_hold, false) as is_on_hold
    from orders
    left join told on orders.tenant = told.tenant and orders.order_id = told.order_id
    left join units on orders.tenant = units.tenant and orders.order_id = units.order_id

),

final as (

    select
        * exclude (header_name, is_on_hold),
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
        end as header_source
    from joined

)

select * from final
