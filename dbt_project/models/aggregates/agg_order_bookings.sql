{%- set sources = ['stg_order_events', 'stg_return_orders', 'stg_fulfillment_orders'] -%}
{#- A sale and what is cancelled of it are of the order's place, the rest of the location that did it. -#}
{%- set zones = [
    {'rows': 'int_orders', 'location': 'demand_location_id', 'channel': 'channel'},
    {'rows': 'fct_returns', 'location': 'return_location_id'},
    {'rows': 'fct_fulfillment_requests', 'location': 'fulfillment_location_id'},
] -%}
{%- set columns_of_the_order = [
    'channel_type', 'channel', 'demand_location_id', 'associate_id', 'customer_id', 'business_hour',
] -%}
{{ config(meta={
    'entity': ['tenant', 'order_id'],
    'sources': sources,
    'zones': zones,
    'products': 'int_order_products',
}) }}
{%- for source in sources + ['int_orders', 'int_order_products'] %}
-- depends_on: {{ ref(source) }}
{%- endfor %}

with orders as (

    select
        *,
        coalesce({{ tax_included('price_method') }}, false) as is_tax_included
    from {{ touched_rows('fct_orders') }}

),

-- What is taken off an unknown price is no part of sales, nor of net_amount. A charge goes with the whole of its order.
lines as (

    select
        items.tenant,
        items.order_id,
        items.item_id,
        items.line_kind,
        items.quantity,
        {{ of_all_units('items.pricebook_price', 'items.quantity') }} as gross,
        case when gross is not null then coalesce(items.item_discounts, 0)::decimal(38, 4) end
        + coalesce(items.order_discounts, 0) as discounts,
        items.included_tax,
        gross - discounts - coalesce(items.included_tax, 0) as net,
        items.tax,
        coalesce(items.cancelled_on, orders.cancelled_on) as cancelled_on
    from {{ touched_rows('fct_order_items') }} as items
    inner join orders on items.tenant = orders.tenant and items.order_id = orders.order_id
    where
        orders.is_sale
        and items.swapped_to_item_id is null

),

sold as (

    select
        tenant,
        order_id,
        sum(quantity) filter (where line_kind = 'product') as units,
        sum(gross) filter (where line_kind = 'product') as gross_sales,
        sum(discounts) filter (where line_kind = 'product') as discounts,
        sum(included_tax) filter (where line_kind = 'product') as included_tax,
        sum(net) filter (where line_kind = 'product') as net_sales,
        sum(net) filter (where line_kind = 'gift_card') as gift_cards_sold,
        sum(net) filter (where line_kind = 'charge') as charges,
        sum(net) filter (where line_kind = 'shipping') as shipping_of_lines,
        sum(tax) filter (where line_kind = 'shipping') as shipping_tax_of_lines,
        sum(tax) filter (where line_kind != 'shipping') as tax
    from lines
    group by tenant, order_id

),

-- Shipping is what the order says, and what its lines of shipping say where it says nothing.
sales as (

    select
        orders.tenant,
        orders.order_id,
        orders.business_date as date,
        orders.cancelled_on,
        1 as orders,
        {%- for name in [
            'units', 'gross_sales', 'discounts', 'included_tax', 'net_sales', 'gift_cards_sold', 'charges',
        ] %}
        sold.{{ name }},
        {%- endfor %}
        coalesce(orders.shipping_tax, sold.shipping_tax_of_lines, 0) as tax_on_shipping,
        coalesce(
            orders.shipping_total - case when orders.is_tax_included then tax_on_shipping else 0 end,
            sold.shipping_of_lines,
            0
        ) as shipping,
        coalesce(sold.tax, 0) + tax_on_shipping as tax
    from orders
    left join sold on orders.tenant = sold.tenant and orders.order_id = sold.order_id
    where orders.is_sale

),

returned as (

    {{ booked_returns(touched_rows('fct_returns'), touched_rows('fct_return_items'), 'lines', 'order_id is not null') }}

),

bookings as (

    select * exclude (cancelled_on, tax_on_shipping) from sales
    union all by name
    select
        tenant,
        order_id,
        cancelled_on as date,
        case when line_kind = 'product' then quantity end as cancelled_units,
        case when line_kind = 'product' then net end as cancelled_sales,
        tax as cancelled_tax,
        case when line_kind = 'gift_card' then -net end as gift_cards_sold,
        case when line_kind = 'charge' then -net end as charges
    from lines
    where cancelled_on is not null and line_kind != 'shipping'
    union all by name
    select
        tenant,
        order_id,
        cancelled_on as date,
        tax_on_shipping as cancelled_tax,
        -shipping as shipping
    from sales
    where cancelled_on is not null
    union all by name
    select * from returned

),

requests as (

    select
        tenant,
        order_id,
        business_date as date,
        fulfillment_location_id as location_id,
        true as is_request,
        (status = 'completed')::integer as fulfilled_requests,
        (status = 'completed' and service_level is not distinct from 'IN_STORE_HANDOVER')::integer as pickup_requests
    from {{ touched_rows('fct_fulfillment_requests') }}
    where order_id is not null
    {%- for name, day in {'fulfilled_units': 'completed_on', 'rejected_units': 'failed_on'}.items() %}
    union all by name
    select
        tenant,
        order_id,
        {{ day }} as date,
        fulfillment_location_id as location_id,
        true as is_request,
        quantity as {{ name }}
    from {{ touched_rows('fct_fulfillment_items') }}
    where order_id is not null and {{ day }} is not null
    {%- endfor %}

),

either as (

    select * from bookings
    union all by name
    select * from requests

),

final as (

    select
        orders.tenant,
        orders.order_id,
        either.date,
        coalesce(either.location_id, orders.demand_location_id, 'unknown') as location_id,
        coalesce(either.currency, orders.currency, 'XXX') as currency,
        {%- for column in columns_of_the_order %}
        any_value(orders.{{ column }}) as {{ column }},
        {%- endfor %}
        count(*) > count(either.is_request) as has_bookings,
        {{ booked_sums(booked_counts() + requested_counts(), booked_amounts()) }},
        {{ log_position() }}::bigint as changed_batch
    from either
    inner join orders on either.tenant = orders.tenant and either.order_id = orders.order_id
    group by all

)

select * from final
