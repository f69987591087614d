{%- set sources = ['stg_order_events', 'stg_return_orders', 'stg_fulfillment_orders'] -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources}) }}
-- depends_on: {{ ref('stg_order_events') }}, {{ ref('stg_return_orders') }}, {{ ref('stg_fulfillment_orders') }}

with orders as (

    select
        tenant,
        order_id,
        currency,
        ordered_at,
        is_sale,
        discounts
    from {{ touched_rows('int_orders') }}

),

order_discounts as (

    select
        tenant,
        order_id,
        unnest(discounts) as discount,
        generate_subscripts(discounts, 1) as line
    from orders

),

-- What the order says of its promotions as a whole.
announced as (

    select
        tenant,
        order_id,
        line,
        {{ said('discount.trigger') }} as trigger,
        {{ said('discount.discount_id') }} as discount_id,
        {{ said('discount.coupon_code') }} as coupon_code,
        coalesce({{ said('discount.coupon_code') }}, {{ said('discount.discount_id') }}) as promotion_key
    from order_discounts

),

unit_discounts as (

    select *
    from {{ touched_rows('fct_order_discounts') }}

),

-- A discount on a unit is of the promotion that the order names by its id. The id of such a discount can be of this one
-- unit, so it tells promotions apart only where nothing else does.
applied as (

    select
        unit_discounts.tenant,
        unit_discounts.order_id,
        unit_discounts.item_id,
        coalesce(
            announced.promotion_key,
            unit_discounts.coupon_code,
            unit_discounts.promotion_id,
            unit_discounts.reason,
            case
                when not regexp_matches(unit_discounts.discount_id, '^line-\d+$') then unit_discounts.discount_id
            end,
            'unknown'
        ) as promotion_key,
        unit_discounts.coupon_code,
        unit_discounts.promotion_id as discount_id,
        unit_discounts.reason,
        unit_discounts.level,
        unit_discounts.price_adjustment
    from unit_discounts
    left join announced
        on unit_discounts.tenant = announced.tenant
        and unit_discounts.order_id = announced.order_id
        and announced.discount_id in (unit_discounts.promotion_id, unit_discounts.discount_id)
    qualify
        row_number() over (
            partition by
                unit_discounts.tenant, unit_discounts.order_id, unit_discounts.item_id, unit_discounts.discount_id
            order by announced.line
        ) = 1

),

-- What the order says goes before what its units say.
told as (

    select
        tenant,
        order_id,
        promotion_key,
        coupon_code,
        discount_id,
        trigger,
        null::varchar as reason,
        'order' as level,
        true as is_announced
    from announced
    where promotion_key is not null
    union all
    select
        tenant,
        order_id,
        promotion_key,
        coupon_code,
        discount_id,
        null::varchar as trigger,
        reason,
        level,
        false as is_announced
    from applied

),

promotions as (

    select
        tenant,
        order_id,
        promotion_key,
        coalesce(min(coupon_code) filter (where is_announced), min(coupon_code)) as coupon_code,
        coalesce(min(discount_id) filter (where is_announced), min(discount_id)) as discount_id,
        min(trigger) as trigger,
        min(reason) as reason,
        max(level) as level
    from told
    group by tenant, order_id, promotion_key

),

-- A unit on which a promotion stands twice is one unit.
promoted as (

    select
        tenant,
        order_id,
        promotion_key,
        item_id,
        sum(price_adjustment) as price_adjustment
    from applied
    group by tenant, order_id, promotion_key, item_id

),

units as (

    select
        tenant,
        order_id,
        item_id,
        quantity,
        {{ of_all_units('pricebook_price', 'quantity') }} as gross_amount,
        net_amount,
        coalesce(lower(item_type), '') = 'shipping' as is_shipping
    from {{ touched_rows('fct_order_items') }}

),

amounts as (

    select
        promoted.tenant,
        promoted.order_id,
        promoted.promotion_key,
        sum(promoted.price_adjustment) as price_adjustment,
        sum(units.quantity) filter (where not units.is_shipping) as units,
        sum(units.gross_amount) filter (where not units.is_shipping) as gross_amount,
        sum(units.net_amount) filter (where not units.is_shipping) as net_amount
    from promoted
    inner join units
        on promoted.tenant = units.tenant
        and promoted.order_id = units.order_id
        and promoted.item_id = units.item_id
    group by promoted.tenant, promoted.order_id, promoted.promotion_key

),

final as (

    select
        promotions.tenant,
        promotions.order_id,
        promotions.promotion_key,
        promotions.coupon_code,
        promotions.discount_id,
        promotions.trigger,
        promotions.reason,
        promotions.level,
        try_cast(amounts.price_adjustment as decimal(18, 4)) as price_adjustment,
        try_cast(coalesce(amounts.units, 0) as bigint) as units,
        try_cast(amounts.gross_amount as decimal(18, 4)) as gross_amount,
        try_cast(amounts.net_amount as decimal(18, 4)) as net_amount,
        orders.currency,
        orders.ordered_at,
        orders.is_sale
    from promotions
    inner join orders on promotions.tenant = orders.tenant and promotions.order_id = orders.order_id
    left join amounts
        on promotions.tenant = amounts.tenant
        and promotions.order_id = amounts.order_id
        and promotions.promotion_key = amounts.promotion_key

)

select * from final
