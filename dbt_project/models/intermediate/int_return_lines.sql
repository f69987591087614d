{{ config(meta={'entity': ['tenant', 'return_id'], 'sources': ['stg_return_events']}) }}

with events as (

    {{ counted_events('stg_return_events') }}

),

returns as (

    {{ newest_events('events', 'return_id', 'payload.returned_at') }}

),

lines as (

    select
        tenant,
        return_id,
        order_id,
        occurred_at as returned_at,
        {{ said('payload.currency') }} as currency,
        unnest(payload.items) as item,
        generate_subscripts(payload.items, 1) as line
    from returns

),

-- NewStore sends each unit as a line of its own, so a line that says no quantity is one unit. A unit's id may stand
-- twice in one return: its first line counts.
final as (

    select
        tenant,
        return_id,
        coalesce({{ said('item.id') }}, 'line-' || line) as item_id,
        order_id,
        {{ said('item.product_id') }} as product_id,
        {{ said('item.item_type') }} as item_type,
        coalesce(lower(item_type) = 'shipping', false) as is_shipping,
        coalesce(item.quantity, 1) as quantity,
        item.refund_amount,
        item.refund_amount_adjusted,
        item.refund_excl_tax,
        item.refund_tax,
        currency,
        {{ said('item.return_reason') }} as return_reason,
        item.return_code,
        {{ said('item.item_condition') }} as item_condition,
        item.condition_code,
        {{ said('item.adjustment_reason') }} as adjustment_reason,
        returned_at
    from lines
    qualify row_number() over (partition by tenant, return_id, item_id order by line) = 1

)

select * from final
