{#-
    An order's header: its order.opened if seen, else its order.created, else a completion that says as much as a header;
    the lifecycle decides, not the arrival.
-#}
{% macro order_headers(events) %}
    select
        tenant,
        order_id,
        event_name,
        published_at,
        payload
    from {{ events }}
    where
        variant_id in (
            select
                arg_max(
                    variant_id,
                    (
                        event_name = 'order.opened',
                        event_name = 'order.created',
                        event_name = 'order.completed',
                        published_at,
                        payload_hash
                    )
                )
            from {{ events }}
            where {{ is_header() }}
            group by tenant, order_id
        )
{% endmacro %}

{#-
    Whether an order event is a header. NewStore's slim completions name units; one that says a currency, a total or when
    the order was placed is of an order whose stream may have begun late, and all there is.
-#}
{% macro is_header() -%}
    (
        event_name in ('order.created', 'order.opened')
        or (
            event_name in ('order.completed', 'order.shipped')
            and (
                {{ said('payload.currency') }} is not null
                or payload.grand_total is not null
                or {{ utc('payload.placed_at') }} is not null
            )
        )
    )
{%- endmacro %}

{#- When a step of an order happened: the event's own time under its own name, else its published_at. -#}
{% macro order_step_at() -%}
    coalesce(
        case event_name
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
{%- endmacro %}

{#- The unit that a line of a swap takes away. Where only the new one has a name of its own, the line's id is the old one's. -#}
{% macro swapped_away(item) -%}
    coalesce(
        {%- for name in ['old_item_id', 'old_id', 'old_item.id', 'swapped_from_item_id'] %}
        {{ said(item ~ '.' ~ name) }},
        {%- endfor %}
        {{ said(item ~ '.id') }}
    )
{%- endmacro %}

{#- The unit that comes instead: NewStore does not publish the field's name, so the first plausible one that says something. -#}
{% macro swapped_in(item) -%}
    coalesce(
        {%- for name in ['new_item_id', 'new_id', 'new_item.id', 'swapped_to_item_id', 'swapped_to'] %}
        {{ said(item ~ '.' ~ name) }},
        {%- endfor %}
        {{ said(item ~ '.id') }}
    )
{%- endmacro %}

{#-
    What a line of a swap says of the unit that it takes away, whose id is another column, and of the one that comes. The
    product that the line itself names is that of the unit whose id the line has.
-#}
{% macro swap_of(item) -%}
    {
        'old_product_id': coalesce(
            {{ said(item ~ '.old_product_id') }},
            {{ said(item ~ '.old_item.product_id') }},
            {{ said(item ~ '.swapped_from_product_id') }},
            case when {{ said(item ~ '.id') }} = {{ swapped_away(item) }} then {{ said(item ~ '.product_id') }} end
        ),
        'new_item_id': {{ swapped_in(item) }},
        'new_product_id': coalesce(
            {{ said(item ~ '.new_product_id') }},
            {{ said(item ~ '.new_item.product_id') }},
            {{ said(item ~ '.swapped_to_product_id') }},
            case when {{ said(item ~ '.id') }} = {{ swapped_in(item) }} then {{ said(item ~ '.product_id') }} end
        )
    }
{%- endmacro %}

{#- One row for each unit that a swap replaced; where events disagree on what replaced it, the first one counts. -#}
{% macro item_swaps(steps) %}
    select
        tenant,
        order_id,
        item_id,
        swap.old_product_id,
        swap.new_item_id,
        swap.new_product_id,
        occurred_at as swapped_at
    from {{ steps }}
    where event_name = 'order.items_swapped' and item_id != swap.new_item_id
    qualify row_number() over (partition by tenant, order_id, item_id order by occurred_at, published_at, payload_hash, line) = 1
        and row_number() over (
            partition by tenant, order_id, swap.new_item_id order by occurred_at, published_at, payload_hash, line
        ) = 1
{% endmacro %}

{#- For each unit that came by a swap, the unit at the beginning of its chain; 100 steps end a circle. -#}
{% macro swap_origins(swaps) %}
    with recursive chain as (
        select
            tenant,
            order_id,
            new_item_id as item_id,
            item_id as origin_item_id,
            1 as steps
        from {{ swaps }}
        union all
        select
            chain.tenant,
            chain.order_id,
            chain.item_id,
            earlier.item_id as origin_item_id,
            chain.steps + 1 as steps
        from chain
        inner join {{ swaps }} as earlier
            on chain.tenant = earlier.tenant
            and chain.order_id = earlier.order_id
            and chain.origin_item_id = earlier.new_item_id
        where chain.steps < 100
    )

    select
        tenant,
        order_id,
        item_id,
        arg_max(origin_item_id, steps) as origin_item_id
    from chain
    group by tenant, order_id, item_id
{% endmacro %}
