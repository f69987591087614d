{#-
    A model becomes its table as in a refresh, by the same code: see warehouse/build/model.py. dbt gives it the SQL, which is
    that of the whole table or of the rows of what this run touches.
-#}

{% materialization incremental, adapter='duckdb' %}
    {{ return(build_model(incremental_strategies()[config.get('incremental_strategy')])) }}
{% endmaterialization %}

{% materialization table, adapter='duckdb' %}
    {{ return(build_model('whole')) }}
{% endmaterialization %}

{% macro incremental_strategies() -%}
    {{ return({'by_entity': 'by_entity', 'delete+insert': 'by_key', 'append': 'append'}) }}
{%- endmacro %}

{% macro build_model(strategy) -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set key = config.get('unique_key') or [] -%}
    {%- set contract = config.get('contract') -%}
    {%- if contract.enforced and not is_incremental() -%}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif -%}
    {%- set columns = [] -%}
    {%- for name, column in model.columns.items() if contract.enforced -%}
        {%- do columns.append([name, column.data_type]) -%}
    {%- endfor -%}
    {%- do call_warehouse({'command': 'build', 'full': should_full_refresh(), 'empty': flags.EMPTY, 'model': dict(
        describe_model(model),
        strategy=strategy,
        whole=sql,
        touched=sql,
        columns=columns,
        key=[key] if key is string else key,
    )}) -%}
    {#- dbt wants every model to have a statement of this name. -#}
    {%- call statement('main') -%}
        select 1
    {%- endcall -%}
    {{ return({'relations': [target]}) }}
{%- endmacro %}

{#- What warehouse/build/model.py has to know of any model. -#}
{% macro describe_model(node) -%}
    {%- set sources = {} -%}
    {%- for other in graph.nodes.values() if other.name in node.config.meta.get('sources', []) -%}
        {%- do sources.update({other.name: 'build.' ~ other.schema ~ '.' ~ other.name}) -%}
    {%- endfor -%}
    {{ return({
        'name': node.name,
        'schema': node.schema,
        'entity': node.config.meta.get('entity', []),
        'sources': sources,
        'strategy': 'whole',
        'whole': '',
    }) }}
{%- endmacro %}

{#- dbt would ask every attached database for its schemas, the lake's whole catalog with them. -#}
{% macro duckdb__list_schemas(database) -%}
    {{ return(run_query("select distinct schema_name from duckdb_schemas() where database_name = 'build'")) }}
{%- endmacro %}

{#-
    As dbt has it, but that `dbt compile` gives the SQL of what a run touches, whatever is built: of this and of
    `dbt compile --full-refresh` a refresh makes its plan. The linter reads that SQL as well. A unit test gives a model all
    its events at once, as a full build does; dbt has no relation for it to ask about.
-#}
{% macro is_incremental() -%}
    {%- if flags.WHICH == 'lint' -%}
        {{ return(true) }}
    {%- endif -%}
    {%- if not execute or this is none or model.config.materialized != 'incremental' or should_full_refresh() -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(flags.WHICH == 'compile' or this.identifier in run_state().batches) }}
{%- endmacro %}
