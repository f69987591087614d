{#-
    For each child of an order (a return, a request, an invoice) all orders that any of its events names, one row each. An
    event may be corrected and then name another order, and an event may name none: whoever shows an order finds here
    that its child came, changed or went, and in the child's mart whose it is.

    child: the column of its id; order_id: SQL of the order that an event names; has_products: also all products that
    its events name.
-#}
{% macro orders_named(source, child, order_id='order_id', has_products=false) %}
with children as (

    select
        tenant,
        {{ child }},
        list(distinct {{ order_id }}) filter (where {{ order_id }} is not null) as order_ids
        {%- if has_products %},
        list_distinct(flatten(list([{{ said('each.product_id') }} for each in payload.items]))) as product_ids
        {%- endif %}
    from {{ touched_rows(source) }}
    group by tenant, {{ child }}

),

final as (

    select
        tenant,
        {{ child }},
        unnest(order_ids) as order_id,
        len(order_ids) > 1 as is_contested,
        {%- if has_products %}
        product_ids,
        {%- endif %}
        {{ log_position() }}::bigint as changed_batch
    from children

)

select * from final
{% endmacro %}
