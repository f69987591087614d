{{ config(meta={'entity': ['tenant', 'return_id'], 'sources': ['stg_return_events']}) }}

with events as (

    {{ counted_events('stg_return_events') }}

),

returns as (

    {{ newest_events('events', 'return_id', 'payload.returned_at') }}

),

lines as (

    {{ return_lines('returns') }}

),

-- NewStore sends each unit as a line of its own, so a line that says no quantity is one unit.
final as (

    select
        tenant,
        return_id,
        item_id,
        order_id,
        {{ said('item.product_id') }} as product_id,
        {{ said('item.item_type') }} as item_type,
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

)

select * from final
