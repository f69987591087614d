{%- set sources = ['stg_order_events', 'stg_return_orders', 'stg_fulfillment_orders'] -%}
{%- set zones = {'rows': 'fct_orders', 'location': 'demand_location_id', 'channel': 'channel'} -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources, 'zones': zones}) }}
-- depends_on: {{ ref('stg_order_events') }}, {{ ref('stg_return_orders') }}, {{ ref('stg_fulfillment_orders') }}

with orders as (

    select
        tenant,
        order_id,
        coalesce(demand_location_id, 'unknown') as location_id,
        coalesce(currency, 'XXX') as currency,
        shipping_tax,
        business_date,
        cancelled_on
    from {{ touched_rows('fct_orders') }}
    where is_sale

),

-- A unit that came by a swap is taxed as the one that the customer ordered. Shipping goes with the whole of its order.
units as (

    select
        items.tenant,
        items.order_id,
        origins.ordered_item_id,
        items.line_kind,
        items.tax,
        case when items.line_kind != 'shipping' then items.cancelled_on end as cancelled_on
    from {{ touched_rows('fct_order_items') }} as items
    inner join {{ touched_rows('int_order_units') }} as origins
        on items.tenant = origins.tenant and items.order_id = origins.order_id and items.item_id = origins.item_id
    where items.swapped_to_item_id is null

),

lines as (

    select
        tenant,
        order_id,
        item_id,
        tax_lines,
        {{ named_tax('tax_lines') }} as named_tax
    from {{ touched_rows('int_order_lines') }}

),

tax_lines as (

    select
        tenant,
        order_id,
        item_id,
        unnest(tax_lines) as tax
    from lines

),

shipped as (

    select
        tenant,
        order_id,
        sum(tax) as tax
    from units
    where line_kind = 'shipping'
    group by tenant, order_id

),

-- What no tax line names is of an unknown tax: the rest of a unit's, and of what the order says of its shipping.
taxes as (

    select
        units.tenant,
        units.order_id,
        {{ tax_of('tax_lines.tax') }},
        units.cancelled_on
    from units
    inner join tax_lines
        on units.tenant = tax_lines.tenant
        and units.order_id = tax_lines.order_id
        and units.ordered_item_id = tax_lines.item_id
    union all
    select
        units.tenant,
        units.order_id,
        'unknown' as name,
        'unknown' as country_code,
        units.tax - lines.named_tax as amount,
        units.cancelled_on
    from units
    inner join lines
        on units.tenant = lines.tenant and units.order_id = lines.order_id and units.ordered_item_id = lines.item_id
    where units.tax != lines.named_tax
    union all
    select
        orders.tenant,
        orders.order_id,
        'unknown' as name,
        'unknown' as country_code,
        orders.shipping_tax - coalesce(shipped.tax, 0) as amount,
        null as cancelled_on
    from orders
    left join shipped on orders.tenant = shipped.tenant and orders.order_id = shipped.order_id

),

booked as (

    select
        orders.*,
        taxes.name,
        taxes.country_code,
        taxes.amount,
        coalesce(taxes.cancelled_on, orders.cancelled_on) as taken_back_on
    from orders
    inner join taxes on orders.tenant = taxes.tenant and orders.order_id = taxes.order_id
    where taxes.amount != 0

),

days as (

    select
        *,
        business_date as date,
        amount as collected,
        0 as cancelled
    from booked
    union all
    select
        *,
        taken_back_on as date,
        0 as collected,
        amount as cancelled
    from booked
    where taken_back_on is not null

),

final as (

    select
        tenant,
        order_id,
        date,
        location_id,
        name,
        country_code,
        currency,
        sum(collected) as collected,
        sum(cancelled) as cancelled
    from days
    group by all

)

select * from final
