{#-
    The two ends of a run, done by the Python plugin: see warehouse/dbt_plugin.py. A run with --empty only makes tables,
    for unit tests to look at: it neither reads the log nor shows anything to readers.
-#}

{% macro is_refresh() -%}
    {{ return(execute and flags.WHICH in ('run', 'build') and not flags.EMPTY) }}
{%- endmacro %}

{% macro start_refresh() %}
    {%- if is_refresh() -%}
        {%- do call_warehouse({'command': 'start'}) -%}
    {%- endif -%}
{% endmacro %}

{#- Publishes only when every mart of the project was built by this run: readers never see half a refresh. -#}
{% macro publish_marts(results) %}
    {%- if is_refresh() -%}
        {%- set built = [] -%}
        {%- for result in results if result.node.resource_type == 'model' and result.status == 'success' -%}
            {%- do built.append(result.node.unique_id) -%}
        {%- endfor -%}
        {%- set marts = [] -%}
        {%- set missing = [] -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.schema in ('marts', 'trust') -%}
            {%- if node.unique_id not in built -%}
                {%- do missing.append(node.name) -%}
            {%- endif -%}
            {%- do marts.append({
                'name': node.name,
                'schema': node.schema,
                'relation': node.relation_name,
                'entity': node.config.meta.get('entity', []),
                'sources': node.config.meta.get('sources', []),
            }) -%}
        {%- endfor -%}
        {%- if missing -%}
            {%- do log('nothing published: this run did not build ' ~ missing | join(', '), info=true) -%}
        {%- else -%}
            {%- do call_warehouse({'command': 'publish', 'marts': marts, 'run_id': invocation_id}) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{% macro call_warehouse(command) %}
    {%- do adapter.store_relation('warehouse', api.Relation.create(identifier='warehouse'), [], '', '', command) -%}
{% endmacro %}
