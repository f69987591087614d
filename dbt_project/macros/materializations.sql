{#-
    A model becomes its table as in a refresh, by the same code: see warehouse/build/model.py. dbt gives it the SQL, which is
    that of the whole table or of the rows of what this run touches.
-#}

{#- The whole table anew in each run. -#}
{% materialization whole, adapter='duckdb' %}
    {{ return(build_model('whole')) }}
{% endmaterialization %}

{#- The rows of the entities that were touched, in the place of those they had. -#}
{% materialization by_entity, adapter='duckdb' %}
    {{ return(build_model('by_entity')) }}
{% endmaterialization %}

{#- Rows of new deliveries, each in the place of the row of its key. -#}
{% materialization by_key, adapter='duckdb' %}
    {{ return(build_model('by_key')) }}
{% endmaterialization %}

{#- Rows of new deliveries beside those that are there. -#}
{% materialization append, adapter='duckdb' %}
    {{ return(build_model('append')) }}
{% endmaterialization %}

{% macro build_model(strategy) -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set key = config.get('unique_key') or [] -%}
    {%- set contract = config.get('contract') -%}
    {%- if contract.enforced and not is_partial() -%}
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
    {%- set parents, sources = {}, {} -%}
    {%- for id in node.depends_on.nodes if id in graph.nodes -%}
        {%- set parent = graph.nodes[id] -%}
        {%- do parents.update({parent.name: 'build.' ~ parent.schema ~ '.' ~ parent.name}) -%}
    {%- endfor -%}
    {%- for name in node.config.meta.get('sources', []) -%}
        {%- do sources.update({name: parents[name]}) -%}
    {%- endfor -%}
    {{ return({
        'name': node.name,
        'schema': node.schema,
        'entity': node.config.meta.get('entity', []),
        'sources': sources,
        'parents': parents,
        'zones': node.config.meta.get('zones', {}),
        'reads_log': (node.depends_on.nodes | select('in', graph.sources.keys() | list) | list | length) > 0,
        'strategy': 'whole',
        'whole': '',
    }) }}
{%- endmacro %}

{#- dbt would ask every attached database for its schemas, the lake's whole catalog with them. -#}
{% macro duckdb__list_schemas(database) -%}
    {{ return(run_query("select distinct schema_name from duckdb_schemas() where database_name = 'build'")) }}
{%- endmacro %}
