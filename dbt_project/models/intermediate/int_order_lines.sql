{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': ['stg_order_events']}) }}

with headers as (

    select
        header_variant_id,
        currency
    from {{ touched_rows('int_orders') }}
    where header_variant_id is not null

),

header_lines as (

    select
        events.tenant,
        events.order_id,
        headers.currency,
        unnest(events.payload.items) as item,
        generate_subscripts(events.payload.items, 1) as line
    from {{ touched_rows('stg_order_events') }} as events
    inner join headers on events.variant_id = headers.header_variant_id
    where events.is_header

),

-- A line has many fields: from here on it is carried along as what the marts show of it.
described as (

    select
        tenant,
        order_id,
        line,
        currency,
        coalesce({{ said('item.id') }}, 'line-' || line) as item_id,
        {{ said('item.product_id') }} as product_id,
        {{ said('item.item_type') }} as item_type,
        item.quantity,
        item.pricebook_price,
        item.list_price,
        item.item_discounts,
        item.order_discounts,
        item.tax,
        {{ said('item.shipping_service_level') }} as shipping_service_level,
        {{ said('item.shipping_method') }} as shipping_method,
        item.is_preorder,
        item.discounts,
        item.tax_provider_details as tax_lines,
        item.extended_attributes
    from header_lines

),

-- An item id may stand twice in one event: its first line counts.
final as (

    select * exclude (line)
    from described
    qualify row_number() over (partition by tenant, order_id, item_id order by line) = 1

)

select * from final
