{#- NewStore does not publish how a swap names its units: of these names the first that says something counts. -#}
{%- set names_in_swaps = {
    'old_item_id': ['old_item_id', 'old_id', 'old_item.id', 'swapped_from_item_id', 'id'],
    'new_item_id': ['new_item_id', 'new_id', 'new_item.id', 'swapped_to_item_id', 'swapped_to', 'id'],
    'old_product_id': ['old_product_id', 'old_item.product_id', 'swapped_from_product_id'],
    'new_product_id': ['new_product_id', 'new_item.product_id', 'swapped_to_product_id'],
} -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': ['stg_order_events']}) }}

with recursive events as (

    {{ counted_events('stg_order_events') }}

),

lines as (

    select
        tenant,
        order_id,
        event_name,
        occurred_at,
        published_at,
        payload_hash,
        event_name = 'order.items_swapped' as is_swap,
        unnest(payload.items) as item,
        generate_subscripts(payload.items, 1) as line
    from events
    where event_name not in ('order.created', 'order.opened')

),

-- The place orders all steps of a unit. A swap is a step of the unit that it takes away.
steps as (

    select
        tenant,
        order_id,
        is_swap,
        occurred_at,
        { 'occurred_at': occurred_at, 'published_at': published_at, 'hash': payload_hash, 'line': line } as place,
        {{ said('item.id') }} as named_id,
        {{ said('item.product_id') }} as product_id,
        {%- for column, names in names_in_swaps.items() %}
        coalesce(
            {%- for name in names %}
            {{ said('item.' ~ name) }}{{ ',' if not loop.last }}
            {%- endfor %}
        ) as {{ column }},
        {%- endfor %}
        case when is_swap then old_item_id else named_id end as item_id,
        coalesce({{ said('item.cancellation_reason') }}, {{ said('item.reason') }}) as reason,
        {{ said('item.fulfillment_location_id') }} as fulfillment_location_id,
        event_name in ('order.completed', 'order.shipped') as is_completion,
        event_name in ('order.cancelled', 'order.items_cancelled') as is_cancellation,
        event_name = 'order.items_on_hold' as is_hold,
        lower(coalesce(item.status, '')) like 'cancel%' as has_cancelled_status
    from lines
    where item_id is not null

),

told as (

    select
        tenant,
        order_id,
        item_id,
        arg_max(product_id, place) filter (where not is_swap and product_id is not null) as product_id,
        min(occurred_at) filter (where is_completion and not has_cancelled_status) as fulfilled_at,
        min(occurred_at) filter (where is_cancellation or has_cancelled_status) as cancelled_at,
        arg_min(reason, place) filter (where is_cancellation and reason is not null) as cancellation_reason,
        min(occurred_at) filter (where is_hold) as on_hold_at,
        max(occurred_at) filter (where is_hold) as last_held_at,
        arg_max(reason, place) filter (where is_hold and reason is not null) as hold_reason,
        arg_max(fulfillment_location_id, place) as fulfillment_location_id
    from steps
    group by tenant, order_id, item_id

),

-- One unit goes and one comes; where events disagree on which, the first one counts. The product that the line itself
-- names is that of the unit whose id the line has.
swaps as (

    select
        tenant,
        order_id,
        item_id,
        new_item_id,
        coalesce(old_product_id, case when named_id = item_id then product_id end) as gone_product_id,
        coalesce(new_product_id, case when named_id = new_item_id then product_id end) as come_product_id,
        occurred_at as swapped_at
    from steps
    where is_swap and item_id != new_item_id
    qualify
        row_number() over (partition by tenant, order_id, item_id order by place) = 1
        and row_number() over (partition by tenant, order_id, new_item_id order by place) = 1

),

-- A unit that came by a swap stands for the one at the beginning of its chain; 100 steps end a circle.
chains as (

    select
        tenant,
        order_id,
        new_item_id as item_id,
        come_product_id as product_id,
        item_id as origin_item_id,
        1 as length
    from swaps
    union all
    select
        chains.* exclude (origin_item_id, length),
        earlier.item_id as origin_item_id,
        chains.length + 1 as length
    from chains
    inner join swaps as earlier
        on chains.tenant = earlier.tenant
        and chains.order_id = earlier.order_id
        and chains.origin_item_id = earlier.new_item_id
    where chains.length < 100

),

came as (

    select *
    from chains
    qualify row_number() over (partition by tenant, order_id, item_id order by length desc) = 1

),

final as (

    select
        coalesce(told.tenant, came.tenant) as tenant,
        coalesce(told.order_id, came.order_id) as order_id,
        coalesce(told.item_id, came.item_id) as item_id,
        coalesce(came.product_id, told.product_id, swaps.gone_product_id) as product_id,
        came.origin_item_id,
        swaps.new_item_id as swapped_to_item_id,
        told.fulfillment_location_id,
        told.on_hold_at,
        told.last_held_at,
        told.hold_reason,
        told.fulfilled_at,
        least(told.cancelled_at, swaps.swapped_at) as cancelled_at,
        coalesce(told.cancellation_reason, if(swaps.new_item_id is null, null, 'swapped')) as cancellation_reason
    from told
    full join came on told.tenant = came.tenant and told.order_id = came.order_id and told.item_id = came.item_id
    left join swaps on told.tenant = swaps.tenant and told.order_id = swaps.order_id and told.item_id = swaps.item_id

)

select * from final
