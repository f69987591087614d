{#-
    The lines of returns, out of the newest variant of each. A unit's id may stand twice in one return: its first line counts.
-#}
{% macro return_lines(returns) %}
    select
        tenant,
        order_id,
        return_id,
        returned_at,
        currency,
        coalesce({{ said('item.id') }}, 'line-' || line) as item_id,
        coalesce(lower({{ said('item.item_type') }}) = 'shipping', false) as is_shipping,
        item
    from (
        select
            tenant,
            order_id,
            return_id,
            occurred_at as returned_at,
            {{ said('payload.currency') }} as currency,
            unnest(payload.items) as item,
            generate_subscripts(payload.items, 1) as line
        from {{ returns }}
    ) as lines
    qualify row_number() over (partition by tenant, return_id, item_id order by line) = 1
{% endmacro %}
