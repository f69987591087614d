{#- What this run asks its session. A unit test and the parser have none to ask. -#}

{#- The one value that a query gives, out of JSON. -#}
{% macro ask(query, otherwise) -%}
    {{ return(fromjson(run_query("select coalesce(to_json((" ~ query ~ "))::varchar, 'null')").rows[0][0]) if execute else otherwise) }}
{%- endmacro %}

{#-
    Whether a query is of what a run adds to its model's table or recomputes there, rather than of the whole table. Of
    what `dbt compile` and `dbt compile --full-refresh` say a refresh makes its plan, so that is of no table's state. The
    linter reads the longer query as well. A unit test gives a model all its events at once, as a full build does.
-#}
{% macro is_partial() -%}
    {%- if flags.WHICH == 'lint' -%}
        {{ return(true) }}
    {%- endif -%}
    {%- if not execute or this is none or model.config.materialized == 'whole' or should_full_refresh() -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(
        flags.WHICH == 'compile' or (
            flags.WHICH in ('run', 'build')
            and ask("exists (from build.main.generations where model = '" ~ this.identifier ~ "')", false)
        )
    ) }}
{%- endmacro %}

{#-
    The last batch of the log this run may read: fixed when the run starts, so that all models show one moment.
    Compiled SQL asks a variable of its connection, which warehouse/build/model.py sets.
-#}
{% macro log_position() -%}
    {%- if flags.WHICH == 'compile' or flags.EMPTY -%}
        {{ return(0 if flags.EMPTY else "getvariable('position')") }}
    {%- endif -%}
    {{ return(ask('coalesce((select batch from run.main.position), (select batch from lake.log.counter))', 0)) }}
{%- endmacro %}

{#- The last batch of the log whose deliveries are in what a query is added to; 0 for a whole table. -#}
{% macro built_position() -%}
    {%- if not is_partial() or not execute -%}
        {{ return(0) }}
    {%- endif -%}
    {%- if flags.WHICH == 'compile' -%}
        {{ return("getvariable('built')") }}
    {%- endif -%}
    {{ return(ask("select batch from build.main.generations where model = '" ~ this.identifier ~ "'", 0)) }}
{%- endmacro %}
