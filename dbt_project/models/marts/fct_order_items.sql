{%- set sources = ['stg_order_events', 'stg_return_orders', 'stg_fulfillment_orders'] -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources}) }}
-- depends_on: {{ ref('stg_return_orders') }}, {{ ref('stg_fulfillment_orders') }}

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
        {{ said('payload.currency') }} as currency,
        unnest(payload.items) as item,
        generate_subscripts(payload.items, 1) as line
    from headers

),

-- A line has many fields, some of them lists: from here on it is carried along as what the mart shows of it.
described_lines as (

    select
        tenant,
        order_id,
        currency,
        line,
        coalesce({{ said('item.id') }}, 'line-' || line) as item_id,
        {{ said('item.product_id') }} as product_id,
        case
            when item is not null
                then {
                    'item_type': item.item_type,
                    'pricebook_price': item.pricebook_price,
                    'list_price': item.list_price,
                    'item_discounts': item.item_discounts,
                    'order_discounts': item.order_discounts,
                    'tax': item.tax,
                    'quantity': item.quantity,
                    'shipping_service_level': item.shipping_service_level,
                    'shipping_method': item.shipping_method,
                    'is_preorder': item.is_preorder
                }
        end as terms
    from header_lines

),

-- An item id may stand twice in one event: its first line counts.
ordered as (

    select *
    from described_lines
    qualify row_number() over (partition by tenant, order_id, item_id order by line) = 1

),

headings as (

    select
        tenant,
        order_id,
        event_name,
        {{ said('payload.currency') }} as currency,
        payload.is_historical,
        coalesce({{ utc('payload.placed_at') }}, {{ utc('payload.created_at') }}) as placed_at,
        published_at
    from headers

),

child_lines as (

    select
        tenant,
        order_id,
        event_name,
        payload_hash,
        published_at,
        {{ order_step_at() }} as occurred_at,
        unnest(payload.items) as item,
        generate_subscripts(payload.items, 1) as line
    from events
    where event_name not in ('order.created', 'order.opened')

),

steps as (

    select
        tenant,
        order_id,
        event_name,
        payload_hash,
        published_at,
        occurred_at,
        line,
        case
            when event_name = 'order.items_swapped' then {{ swapped_away('item') }} else {{ said('item.id') }}
        end as item_id,
        case when event_name = 'order.items_swapped' then {{ swap_of('item') }} end as swap,
        {{ said('item.product_id') }} as product_id,
        coalesce({{ said('item.cancellation_reason') }}, {{ said('item.reason') }}) as reason,
        {{ said('item.fulfillment_location_id') }} as fulfillment_location_id,
        lower(coalesce(item.status, '')) as item_status
    from child_lines
    where item_id is not null

),

unit_steps as (

    select
        tenant,
        order_id,
        item_id,
        min(occurred_at) filter (
            where event_name in ('order.completed', 'order.shipped') and item_status not like 'cancel%'
        ) as fulfilled_at,
        min(occurred_at) filter (
            where event_name in ('order.cancelled', 'order.items_cancelled') or item_status like 'cancel%'
        ) as cancelled_at,
        arg_min(reason, (occurred_at, published_at, payload_hash, line)) filter (
            where event_name in ('order.cancelled', 'order.items_cancelled') and reason is not null
        ) as cancellation_reason,
        min(occurred_at) filter (where event_name = 'order.items_on_hold') as on_hold_at,
        max(occurred_at) filter (where event_name = 'order.items_on_hold') as last_held_at,
        arg_max(reason, (occurred_at, published_at, payload_hash, line)) filter (
            where event_name = 'order.items_on_hold' and reason is not null
        ) as hold_reason,
        arg_max(product_id, (occurred_at, published_at, payload_hash, line)) filter (
            where event_name != 'order.items_swapped' and product_id is not null
        ) as product_id,
        arg_max(fulfillment_location_id, (occurred_at, published_at, payload_hash, line)) filter (
            where fulfillment_location_id is not null
        ) as fulfillment_location_id
    from steps
    group by tenant, order_id, item_id

),

-- What is said of the order as a whole holds for each of its units.
order_steps as (

    select
        tenant,
        order_id,
        min({{ order_step_at() }}) filter (where event_name = 'order.opened') as opened_at,
        min({{ order_step_at() }}) filter (where event_name = 'order.cancelled') as cancelled_at,
        arg_min(
            {{ said('payload.cancellation_reason') }}, ({{ order_step_at() }}, published_at, payload_hash)
        ) filter (where event_name = 'order.cancelled') as cancellation_reason,
        min({{ order_step_at() }}) filter (
            where event_name in ('order.completed', 'order.shipped') and coalesce(len(payload.items), 0) = 0
        ) as fulfilled_at
    from events
    group by tenant, order_id

),

-- Over all requests that were to fulfil the unit; a place that turned it down last has it no more.
fulfillments as (

    select
        tenant,
        order_id,
        item_id,
        arg_min(assigned_at, assigned_version) as assigned_at,
        arg_min(completed_at, completed_version) as completed_at,
        max(last_routed_at) as last_routed_at,
        arg_max(product_id, last_version) as product_id,
        arg_max(quantity, last_version) as quantity,
        arg_min(completed_location_id, completed_version) as completed_location_id,
        arg_max(last_step, last_version) != 'items_failed' as is_routed,
        case when is_routed then arg_max(last_location_id, last_version) end as current_location_id
    from {{ near('int_fulfillment_units') }}
    where
        order_id is not null
        and {{ is_given('item_id') }}
        {{ and_touched() }}
    group by tenant, order_id, item_id

),

swaps as (

    {{ item_swaps('steps') }}

),

-- A unit that came by a swap stands for the unit the customer ordered, over any number of swaps.
origins as (

    {{ swap_origins('swaps') }}

),

return_lines as (

    select *
    from {{ near('fct_return_items') }}
    where
        order_id is not null
        and {{ is_given('item_id') }}
        {{ and_touched() }}

),

returned as (

    select
        tenant,
        order_id,
        item_id,
        min(returned_at) as returned_at,
        max(quantity) as quantity,
        sum(quantity) as returned_quantity,
        arg_max(product_id, (returned_at, return_id)) as product_id,
        arg_min(currency, (returned_at, return_id)) as currency,
        bool_and(coalesce(lower(item_type), '') = 'shipping') as is_shipping
    from return_lines
    group by tenant, order_id, item_id

),

refunds as (

    select
        return_lines.tenant,
        return_lines.order_id,
        return_lines.item_id,
        coalesce(return_lines.currency, headings.currency) as currency,
        try_cast(sum(return_lines.refund_amount) as decimal(18, 4)) as refund_amount
    from return_lines
    left join headings on return_lines.tenant = headings.tenant and return_lines.order_id = headings.order_id
    group by all

),

units as (

    select
        tenant,
        order_id,
        item_id
    from ordered
    union
    select
        tenant,
        order_id,
        item_id
    from unit_steps
    union
    select
        tenant,
        order_id,
        new_item_id as item_id
    from swaps
    union
    select
        tenant,
        order_id,
        item_id
    from fulfillments
    union
    select
        tenant,
        order_id,
        item_id
    from returned
    where not is_shipping

),

described as (

    select
        units.tenant,
        units.order_id,
        units.item_id,
        coalesce(
            own.product_id,
            swapped_in.new_product_id,
            unit_steps.product_id,
            swapped_away.old_product_id,
            fulfillments.product_id,
            returned.product_id
        ) as product_id,
        coalesce(own.terms, first_ordered.terms) as terms,
        coalesce(own.currency, first_ordered.currency, returned.currency) as currency,
        swapped_away.new_item_id as swapped_to_item_id,
        coalesce(
            fulfillments.completed_location_id, unit_steps.fulfillment_location_id, fulfillments.current_location_id
        ) as fulfillment_location_id,
        coalesce(
            coalesce(own.terms, first_ordered.terms).quantity, fulfillments.quantity, returned.quantity, 1
        ) as quantity,
        coalesce(fulfillments.is_routed, false) as is_routed,
        fulfillments.assigned_at,
        unit_steps.on_hold_at,
        unit_steps.hold_reason,
        -- What was routed after its last hold is held no more.
        coalesce(
            unit_steps.last_held_at >= coalesce(fulfillments.last_routed_at, '-infinity'::timestamptz), false
        ) as is_on_hold,
        least(unit_steps.cancelled_at, order_steps.cancelled_at, swapped_away.swapped_at) as cancelled_at,
        -- The order is closed some time after its units have left. A completion that names no units is of those that
        -- are left of the order.
        coalesce(
            fulfillments.completed_at,
            case
                when coalesce(unit_steps.cancelled_at, order_steps.cancelled_at, swapped_away.swapped_at) is null
                    then least(unit_steps.fulfilled_at, order_steps.fulfilled_at)
                else unit_steps.fulfilled_at
            end
        ) as fulfilled_at,
        coalesce(
            unit_steps.cancellation_reason,
            case when swapped_away.new_item_id is not null then 'swapped' end,
            order_steps.cancellation_reason
        ) as cancellation_reason,
        returned.returned_at,
        returned.returned_quantity,
        headings.event_name as header_name,
        headings.is_historical,
        coalesce(headings.placed_at, order_steps.opened_at, headings.published_at) as ordered_at
    from units
    left join ordered as own
        on units.tenant = own.tenant and units.order_id = own.order_id and units.item_id = own.item_id
    left join swaps as swapped_in
        on units.tenant = swapped_in.tenant
        and units.order_id = swapped_in.order_id
        and units.item_id = swapped_in.new_item_id
    left join swaps as swapped_away
        on units.tenant = swapped_away.tenant
        and units.order_id = swapped_away.order_id
        and units.item_id = swapped_away.item_id
    left join origins
        on units.tenant = origins.tenant and units.order_id = origins.order_id and units.item_id = origins.item_id
    left join ordered as first_ordered
        on origins.tenant = first_ordered.tenant
        and origins.order_id = first_ordered.order_id
        and origins.origin_item_id = first_ordered.item_id
    left join unit_steps
        on units.tenant = unit_steps.tenant
        and units.order_id = unit_steps.order_id
        and units.item_id = unit_steps.item_id
    left join fulfillments
        on units.tenant = fulfillments.tenant
        and units.order_id = fulfillments.order_id
        and units.item_id = fulfillments.item_id
    left join order_steps on units.tenant = order_steps.tenant and units.order_id = order_steps.order_id
    left join headings on units.tenant = headings.tenant and units.order_id = headings.order_id
    left join returned
        on units.tenant = returned.tenant and units.order_id = returned.order_id and units.item_id = returned.item_id

),

-- Amounts in another currency than the unit's own stay in fct_return_items.
refunded as (

    select
        described.*,
        refunds.refund_amount
    from described
    left join refunds
        on described.tenant = refunds.tenant
        and described.order_id = refunds.order_id
        and described.item_id = refunds.item_id
        and described.currency is not distinct from refunds.currency

),

final as (

    select
        tenant,
        order_id,
        item_id,
        product_id,
        {{ said('terms.item_type') }} as item_type,
        case
            when cancelled_at is not null then 'cancelled'
            when returned_at is not null then 'returned'
            when fulfilled_at is not null then 'fulfilled'
            when is_on_hold then 'on_hold'
            when is_routed then 'assigned'
            when header_name = 'order.created' then 'created'
            when header_name is not null then 'opened'
            else 'unknown'
        end as status,
        quantity,
        terms.pricebook_price,
        terms.list_price,
        terms.item_discounts,
        terms.order_discounts,
        try_cast(
            {{ of_all_units('terms.pricebook_price', 'quantity') }}
            - coalesce(terms.item_discounts, 0)
            - coalesce(terms.order_discounts, 0)
            as decimal(18, 4)
        ) as net_amount,
        terms.tax,
        currency,
        {{ said('terms.shipping_service_level') }} as shipping_service_level,
        {{ said('terms.shipping_method') }} as shipping_method,
        terms.is_preorder,
        fulfillment_location_id,
        assigned_at,
        on_hold_at,
        hold_reason,
        fulfilled_at,
        cancelled_at,
        case when cancelled_at is not null then cancellation_reason end as cancellation_reason,
        swapped_to_item_id,
        returned_at,
        case when returned_quantity > quantity then quantity else returned_quantity::bigint end as returned_quantity,
        refund_amount,
        ordered_at,
        header_name is not null
        and not coalesce(is_historical, false)
        and swapped_to_item_id is null
        and coalesce(lower(terms.item_type), '') != 'shipping' as is_sale
    from refunded

)

select * from final
