{#- Narrows a query down to the entities this run recomputes, after another condition; nothing in a full build. -#}
{% macro and_touched(table='') -%}
    {%- set columns = [] -%}
    {%- for column in entity() -%}
        {%- do columns.append((table ~ '.' if table else '') ~ column) -%}
    {%- endfor -%}
    {{ return('and (' ~ columns | join(', ') ~ ') in (' ~ touched_entities() ~ ')' if is_incremental() else '') }}
{%- endmacro %}
