{#- Narrows a query down to the entities this run recomputes, after another condition; nothing in a full build. -#}
{% macro and_touched(table='') -%}
    {%- set columns = [] -%}
    {%- for column in entity() -%}
        {%- do columns.append((table ~ '.' if table else '') ~ column) -%}
    {%- endfor -%}
    {{ return('and ' ~ is_touched(*columns) if is_partial() else '') }}
{%- endmacro %}

{#-
    Whether the columns name an entity that this run recomputes. The bit in front of it costs no more than the column it
    is asked of, and DuckDB asks it before it reads any other: of the payloads of a large table only those few are
    read that lie near an event of a touched entity. Its length is that of warehouse/build/touched_entities.py.
-#}
{% macro is_touched() -%}
    coalesce(get_bit(getvariable('touched'), (hash({{ varargs[-1] }}) % 4194304)::integer), 1) = 1
    and ({{ varargs | join(', ') }}) in (select {{ entity() | join(', ') }} from {{ touched() }})
{%- endmacro %}

{#- The entities this run recomputes, those with a row that changed in a source since this model was last built: whoever runs the model makes this view. -#}
{% macro touched() -%}
    {{ return(model.name ~ '__touched') }}
{%- endmacro %}

{% macro entity() -%}
    {{ return(config.require('meta').entity) }}
{%- endmacro %}

{#-
    A table of which the model reads, in a run, only what `is_touched` of these columns, which are those of its entity
    unless it calls them otherwise. It is read through a view with the names of both, such as
    stg_order_events__order_id: whoever runs the model points it at the table, or at a copy of these rows.
-#}
{% macro near(source, columns=none) -%}
    {%- set table = ref(source) -%}
    {{ return((([source] + (columns or entity())[1:]) | join('__')) if is_partial() else table) }}
{%- endmacro %}
