{#-
    build.main.generations holds, for each model, the full build its table comes from and the last batch of the log in it.
    Both hooks run inside the model's own transaction, so the row is true whenever the table is.
-#}

{% macro forget_generation() %}
    {%- if not is_incremental() -%}
        delete from build.main.generations where model = '{{ this.identifier }}'
    {%- endif -%}
{% endmacro %}

{#-
    A model is as far as the sources it was made from: a run of this model alone does not bring those along. A run with
    --empty brings no model any further.
-#}
{% macro mark_built() %}
    {%- set sources = model.config.meta.get('sources', []) if execute else [] -%}
    {%- set position = log_position() -%}
    {%- if sources -%}
        {%- set position = "(select min(batch) from build.main.generations where model in ('" ~ sources | join("', '") ~ "'))" -%}
    {%- endif -%}
    merge into build.main.generations as target
    using (select '{{ this.identifier }}' as model, '{{ invocation_id }}' as generation, {{ position }} as batch) as built
        on target.model = built.model
    {%- if not flags.EMPTY %}
    when matched then update set batch = built.batch
    {%- endif %}
    when not matched then insert (model, generation, batch) values (built.model, built.generation, built.batch)
{% endmacro %}

{#- The last batch of the log this run may read: fixed when the run starts, so that all models show one moment. -#}
{% macro log_position() -%}
    {{ return(0 if flags.EMPTY else scalar('select batch from run.main.position', 0)) }}
{%- endmacro %}

{#- The last batch of the log that is already in this model. -#}
{% macro built_position() -%}
    {{ return(scalar("select batch from build.main.generations where model = '" ~ this.identifier ~ "'", 0)) }}
{%- endmacro %}

{#- The first value of a query, or `otherwise` where it gives no row and while dbt is only parsing. -#}
{% macro scalar(query, otherwise) -%}
    {%- if not execute -%}
        {{ return(otherwise) }}
    {%- endif -%}
    {%- set rows = run_query(query).rows -%}
    {{ return(rows[0][0] if rows | length else otherwise) }}
{%- endmacro %}
