{#-
    The two ends of a run, done by the Python plugin: see warehouse/pipeline/dbt_plugin.py. A run with --empty only makes tables,
    for unit tests to look at: it neither reads the log nor shows anything to readers.
-#}

{% macro start_refresh() %}
    {%- if execute and flags.WHICH in ('run', 'build') and not flags.EMPTY -%}
        {%- do call_warehouse({'command': 'start', 'run_id': invocation_id, 'full': flags.FULL_REFRESH}) -%}
    {%- endif -%}
{% endmacro %}

{#- Publishes only when every mart of the project is as far as this run: readers never see half a refresh. -#}
{% macro publish_marts(results) %}
    {%- if execute and flags.WHICH in ('run', 'build') and not flags.EMPTY -%}
        {%- set marts = [] -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.schema in ('marts', 'trust') -%}
            {%- do marts.append(describe_model(node)) -%}
        {%- endfor -%}
        {%- set built = run_query(
            'select model from build.main.generations where batch >= (select batch from run.main.position)'
        ).columns[0].values() -%}
        {%- set missing = marts | map(attribute='name') | reject('in', built) | list -%}
        {%- if missing -%}
            {%- do log('nothing published: this run did not build ' ~ missing | join(', '), info=true) -%}
            {%- set failed = results | selectattr('status', 'equalto', 'error') | map(attribute='node.name') | list -%}
            {%- do call_warehouse({'command': 'end', 'failed': failed}) -%}
        {%- else -%}
            {%- do call_warehouse({'command': 'publish', 'marts': marts}) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{% macro call_warehouse(command) %}
    {%- do adapter.store_relation('warehouse', api.Relation.create(identifier='warehouse'), [], '', '', command) -%}
{% endmacro %}
