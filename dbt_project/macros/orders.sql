{#- An order's header: its order.opened if seen, else its order.created; the lifecycle decides, not the arrival. -#}
{% macro order_headers(events) %}
    select
        tenant,
        order_id,
        event_name,
        published_at,
        payload
    from {{ events }}
    where event_name in ('order.created', 'order.opened')
    qualify
        row_number() over (
            partition by tenant, order_id
            order by event_name = 'order.opened' desc, published_at desc, payload_hash desc
        ) = 1
{% endmacro %}

{#- Every order this run recomputes: a touched order is one that some event of the sources names. -#}
{% macro named_orders(sources) %}
    select
        tenant,
        order_id
    from (
        {%- if is_incremental() %}
        {{- touched_entities() }}
        {%- else %}
        {%- for source in sources %}
        select
            tenant,
            order_id
        from {{ ref(source) }}
        {{- ' union' if not loop.last }}
        {%- endfor %}
        {%- endif %}
    ) as named
    where order_id is not null
{% endmacro %}

{#- One row for each unit that a swap replaced; where events disagree on what replaced it, the first one counts. -#}
{% macro item_swaps(steps) %}
    select
        tenant,
        order_id,
        item_id,
        {{ said('item.product_id') }} as old_product_id,
        {{ said('item.new_item_id') }} as new_item_id,
        {{ said('item.new_product_id') }} as new_product_id,
        published_at as swapped_at
    from {{ steps }}
    where event_name = 'order.items_swapped' and {{ said('item.new_item_id') }} is not null and item_id != {{ said('item.new_item_id') }}
    qualify row_number() over (partition by tenant, order_id, item_id order by published_at, payload_hash, line) = 1
        and row_number() over (partition by tenant, order_id, {{ said('item.new_item_id') }} order by published_at, payload_hash, line) = 1
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
