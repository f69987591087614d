{#-
    The rows of a table that belong to the entities this run recomputes; in a full build all rows of the table. Its
    columns of the entity are those of the model unless it calls them otherwise.

    In a run they are read through a view with the names of both, such as stg_order_events__order_id. Whoever runs the
    model makes it: see warehouse/build/model.py.
-#}
{% macro touched_rows(source, columns=none) -%}
    {%- set table = ref(source) -%}
    {%- set names = (columns or config.require('meta').entity) | reject('equalto', 'tenant') | list -%}
    {{ return(([source] + names) | join('__') if is_partial() else table) }}
{%- endmacro %}
