{#- The lines of complete counts: these alone say what is there, a count of which chunks are missing does not. -#}
{% macro complete_counts(condition='') %}
    select
        tenant,
        location_id,
        product_id,
        count_id,
        counted_quantity,
        completed_at
    from {{ ref('fct_inventory_counts') }}
    where
        is_complete
        and counted_quantity is not null
        and location_id is not null
        {{ condition }}
{% endmacro %}

{#-
    Narrows rows of a location and product down to the days that int_stock_days makes anew in this run; nothing in a
    full build. `since` is what is asked of the time of a row beside.
-#}
{% macro join_changed(rows, since) -%}
    {%- if is_partial() -%}
        inner join changed
            on {{ rows }}.tenant = changed.tenant
            and {{ rows }}.location_id = changed.location_id
            and {{ rows }}.product_id = changed.product_id
            and {{ since }}
    {%- endif -%}
{%- endmacro %}
