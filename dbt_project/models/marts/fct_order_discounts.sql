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

ordered as (

    select
        tenant,
        order_id,
        item,
        coalesce({{ said('item.id') }}, 'line-' || line) as item_id
    from header_lines
    qualify row_number() over (partition by tenant, order_id, item_id order by line) = 1

),

discount_lines as (

    select
        tenant,
        order_id,
        item_id,
        unnest(item.discounts) as discount,
        generate_subscripts(item.discounts, 1) as line
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
