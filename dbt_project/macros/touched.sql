{#- Narrows a query down to the entities this run recomputes, after another condition; nothing in a full build. -#}
{% macro and_touched(table='') -%}
    {%- set columns = [] -%}
    {%- for column in entity() -%}
        {%- do columns.append((table ~ '.' if table else '') ~ column) -%}
    {%- endfor -%}
    {{ return('and ' ~ is_touched(*columns) if is_incremental() else '') }}
{%- endmacro %}

{#-
    Whether the columns name an entity that this run recomputes. The bit in front of it costs no more than the column it
    is asked of, and DuckDB asks it before it reads any other: of the payloads of a large table only those few are
    read that lie near an event of a touched entity.
-#}
{% macro is_touched() -%}
    {%- if flags.WHICH in ('run', 'build', 'compile') -%}
        get_bit(getvariable('touched'), (hash({{ varargs[-1] }}) % {{ touched_bits() }})::integer) = 1 and {# -#}
    {%- endif -%}
    ({{ varargs | join(', ') }}) in ({{ touched_entities() }})
{%- endmacro %}

{#-
    A staging table of which the model reads, in a run, only what `is_touched` of these columns, which are those of its
    entity unless it calls them otherwise. A copy of these rows comes in the place of the table: see warehouse/build/touched_entities.py.
-#}
{% macro near(source, columns=none) -%}
    {{ ref(source) }}{{ ' /* near by ' ~ (columns or entity()) | join(', ') ~ ' */' if is_incremental() }}
{%- endmacro %}

{#- The length of the variable `touched`, as warehouse/build/touched_entities.py makes it. -#}
{% macro touched_bits() -%}
    {{ return(4194304) }}
{%- endmacro %}
