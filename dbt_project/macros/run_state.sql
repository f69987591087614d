{#-
    What a run needs to know of the log, of the contract and of what is built, asked once a run and remembered in `graph`,
    the one place that all models of a run share. A model's own batch is read before the model is built, so what stood
    at the beginning of the run is right.
-#}
{% macro run_state() -%}
    {%- if not execute -%}
        {{ return({'position': 0, 'batches': {}, 'families': {}, 'structures': {}, 'documented': [], 'fields': {}}) }}
    {%- endif -%}
    {%- if graph.get('warehouse', {}).get('run') != invocation_id -%}
        {%- set query -%}
            select to_json({
                'position': coalesce(
                    (select batch from run.main.position), (select batch from lake.log.counter)
                ),
                'batches': coalesce(
                    (select map(list(model), list(batch)) from build.main.generations), map {}
                ),
                'families': (
                    select map(list(family), list(names)) from (
                        select family, list(name order by name) as names from run.main.contract group by family
                    ) as families
                ),
                'structures': (
                    select map(list(family), list(structure)) from (
                        select family, any_value(structure) as structure from run.main.contract group by family
                    ) as structures
                ),
                'documented': (
                    select list(name order by name) from run.main.contract where key_source = 'documented'
                ),
                'fields': (
                    select map(list(name), list(fields)) from (
                        select name, list({'path': path, 'type': type} order by path) as fields
                        from run.main.contract_fields
                        group by name
                        order by name
                    ) as fields
                )
            })::varchar
        {%- endset -%}
        {%- do graph.update({'warehouse': {'run': invocation_id, 'state': fromjson(run_query(query).rows[0][0])}}) -%}
    {%- endif -%}
    {{ return(graph['warehouse']['state']) }}
{%- endmacro %}

{#-
    The last batch of the log this run may read: fixed when the run starts, so that all models show one moment.
    Compiled SQL asks a variable of its connection, which warehouse/build/model.py sets.
-#}
{% macro log_position() -%}
    {{ return("getvariable('position')" if flags.WHICH == 'compile' else 0 if flags.EMPTY else run_state().position) }}
{%- endmacro %}

{#- The last batch of the log that is already in this model; a variable likewise. -#}
{% macro built_position() -%}
    {{ return("getvariable('built')" if flags.WHICH == 'compile' else run_state().batches.get(this.identifier, 0)) }}
{%- endmacro %}
