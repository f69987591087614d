{{ config(unique_key='variant_id', materialized='by_key', meta={'family': 'order'}) }}

{#- Each event has its own time under its own name. -#}
{%- set occurred_at -%}
    coalesce(
        case name
            when 'order.created' then {{ utc('payload.created_at') }}
            when 'order.opened' then {{ utc('payload.opened_at') }}
            when 'order.completed' then {{ utc('payload.completed_at') }}
            when 'order.shipped' then coalesce({{ utc('payload.completed_at') }}, {{ utc('payload.shipped_at') }})
            when 'order.items_on_hold' then {{ utc('payload.on_hold_at') }}
            when 'order.items_swapped' then {{ utc('payload.swapped_at') }}
            when 'order.items_cancelled' then {{ utc('payload.cancelled_at') }}
            when 'order.cancelled' then {{ utc('payload.cancelled_at') }}
        end,
        published_at
    )
{%- endset %}

{#-
    NewStore's slim completions name units; one that says a currency, a total or when the order was placed is of an order
    whose stream may have begun late, and all there is.
-#}
{%- set is_header -%}
    name in ('order.created', 'order.opened')
    or (
        name in ('order.completed', 'order.shipped')
        and (
            {{ said('payload.currency') }} is not null
            or payload.grand_total is not null
            or {{ utc('payload.placed_at') }} is not null
        )
    )
{%- endset %}

{{ typed_events(
    'order',
    'payload.id as order_id, ' ~ occurred_at ~ ' as occurred_at, ' ~ is_header ~ ' as is_header',
    apart=['id'],
) }}
