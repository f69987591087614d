{%- set sources = ['stg_order_events', 'stg_return_orders', 'stg_fulfillment_orders'] -%}
{#- The steps below that name units of an order, and which of their rows are units. -#}
{%- set parts = {'lines': 'true', 'steps': 'true', 'fulfillments': 'true', 'returns': 'not is_shipping'} -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources}) }}
-- depends_on: {{ ref('stg_order_events') }}, {{ ref('stg_return_orders') }}, {{ ref('stg_fulfillment_orders') }}

with orders as (

    select *
    from {{ touched_rows('int_orders') }}

),

lines as (

    select *
    from {{ touched_rows('int_order_lines') }}

),

steps as (

    select *
    from {{ touched_rows('int_order_unit_steps') }}

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
        arg_max(status, last_version) != 'failed' as is_routed,
        case when is_routed then arg_max(last_location_id, last_version) end as current_location_id
    from {{ touched_rows('int_fulfillment_units') }}
    where
        order_id is not null
        and not regexp_matches(item_id, '^line-\d+$')
    group by tenant, order_id, item_id

),

returns as (

    select
        tenant,
        order_id,
        item_id,
        bool_and(is_shipping) as is_shipping,
        min(returned_at) as returned_at,
        max(quantity) as quantity,
        sum(quantity) as returned_quantity,
        arg_max(product_id, (returned_at, return_id)) as product_id,
        arg_min(currency, (returned_at, return_id)) as currency
    from {{ touched_rows('int_return_lines') }}
    where
        order_id is not null
        and not regexp_matches(item_id, '^line-\d+$')
    group by tenant, order_id, item_id

),

units as (
    {% for part, condition in parts.items() %}
    select
        tenant,
        order_id,
        item_id
    from {{ part }}
    where {{ condition }}
    {{- ' union' if not loop.last }}
    {%- endfor %}

),

described as (

    select
        units.*,
        -- A unit that came by a swap has the terms of the one that the customer ordered, unless the header names it.
        coalesce(lines.item_id, steps.origin_item_id) as ordered_item_id,
        steps.swapped_to_item_id,
        coalesce(lines.product_id, steps.product_id, fulfillments.product_id, returns.product_id) as product_id,
        coalesce(fulfillments.quantity, returns.quantity, 1) as quantity,
        coalesce(
            fulfillments.completed_location_id, steps.fulfillment_location_id, fulfillments.current_location_id
        ) as fulfillment_location_id,
        coalesce(fulfillments.is_routed, false) as is_routed,
        fulfillments.assigned_at,
        steps.on_hold_at,
        steps.hold_reason,
        -- What was routed after its last hold is held no more.
        coalesce(
            steps.last_held_at >= coalesce(fulfillments.last_routed_at, '-infinity'::timestamptz), false
        ) as is_on_hold,
        -- The order is closed some time after its units have left. A completion that names no units is of those that
        -- are left of the order.
        coalesce(
            fulfillments.completed_at,
            case
                when coalesce(steps.cancelled_at, orders.cancelled_at) is null
                    then least(steps.fulfilled_at, orders.completed_as_a_whole_at)
                else steps.fulfilled_at
            end
        ) as fulfilled_at,
        -- What is said of the order as a whole holds for each of its units.
        least(steps.cancelled_at, orders.cancelled_at) as cancelled_at,
        coalesce(steps.cancellation_reason, orders.cancellation_reason) as cancellation_reason,
        returns.returned_at,
        returns.returned_quantity,
        returns.currency as returned_currency,
        orders.header_name
    from units
    left join lines
        on units.tenant = lines.tenant and units.order_id = lines.order_id and units.item_id = lines.item_id
    left join steps
        on units.tenant = steps.tenant and units.order_id = steps.order_id and units.item_id = steps.item_id
    left join fulfillments
        on units.tenant = fulfillments.tenant
        and units.order_id = fulfillments.order_id
        and units.item_id = fulfillments.item_id
    left join returns
        on units.tenant = returns.tenant and units.order_id = returns.order_id and units.item_id = returns.item_id
    left join orders on units.tenant = orders.tenant and units.order_id = orders.order_id

),

final as (

    select
        * exclude (is_routed, is_on_hold, header_name, cancellation_reason),
        case when cancelled_at is not null then cancellation_reason end as cancellation_reason,
        case
            when cancelled_at is not null then 'cancelled'
            when returned_at is not null then 'returned'
            when fulfilled_at is not null then 'fulfilled'
            when is_on_hold then 'on_hold'
            when is_routed then 'assigned'
            when header_name = 'order.created' then 'created'
            when header_name is not null then 'opened'
            else 'unknown'
        end as status
    from described

)

select * from final
