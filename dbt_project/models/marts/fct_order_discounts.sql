{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': ['stg_order_events']}) }}
-- depends_on: {{ ref('stg_order_events') }}

with discount_lines as (

    select
        tenant,
        order_id,
        item_id,
        unnest(discounts) as discount,
        generate_subscripts(discounts, 1) as line
    from {{ touched_rows('int_order_lines') }}

),

final as (

    select
        tenant,
        order_id,
        item_id,
        coalesce({{ said('discount.id') }}, 'line-' || line) as discount_id,
        {{ said('discount.level') }} as level,
        coalesce({{ said('discount.action') }}, {{ said('discount.type') }}) as action,
        discount.value,
        discount.price_adjustment,
        coalesce({{ said('discount.reason') }}, {{ said('discount.description') }}) as reason,
        {{ said('discount.coupon_code') }} as coupon_code,
        coalesce(
            {{ said('discount.promotion_uuid') }},
            {{ said('discount.discount_ref') }},
            {{ said('discount.externalRef') }}
        ) as promotion_id
    from discount_lines
    qualify row_number() over (partition by tenant, order_id, item_id, discount_id order by line) = 1

)

select * from final
