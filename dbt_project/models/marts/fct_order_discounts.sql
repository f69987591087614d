{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': ['stg_order_events']}) }}

with events as (

    {{ counted_events('stg_order_events') }}

),

headers as (

    {{ order_headers('events') }}

),

header_lines as (

    select
        tenant,
        order_id,
        unnest(payload.items) as item,
        generate_subscripts(payload.items, 1) as line
    from headers

),

item_lines as (

    select
        tenant,
        order_id,
        line,
        coalesce({{ said('item.id') }}, 'line-' || line) as item_id,
        item.discounts
    from header_lines

),

ordered as (

    select
        tenant,
        order_id,
        item_id,
        discounts
    from item_lines
    qualify row_number() over (partition by tenant, order_id, item_id order by line) = 1

),

discount_lines as (

    select
        tenant,
        order_id,
        item_id,
        unnest(discounts) as discount,
        generate_subscripts(discounts, 1) as line
    from ordered

),

final as (

    select
        tenant,
        order_id,
        item_id,
        coalesce({{ said('discount.id') }}, 'line-' || line) as discount_id,
        {{ said('discount.level') }} as level,
        {{ said('discount.action') }} as action,
        discount.value,
        discount.price_adjustment,
        {{ said('discount.reason') }} as reason,
        {{ said('discount.coupon_code') }} as coupon_code
    from discount_lines
    qualify row_number() over (partition by tenant, order_id, item_id, discount_id order by line) = 1

)

select * from final
