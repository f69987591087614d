{#- What the contract file says, through the table that the plugin makes of it. -#}

{% macro contract_names(family) -%}
    {{ return(column("select name from run.main.contract where family = '" ~ family ~ "' order by name")) }}
{%- endmacro %}

{% macro documented_names() -%}
    {{ return(column("select name from run.main.contract where key_source = 'documented' order by name")) }}
{%- endmacro %}

{#- The type of the payloads of a family, as from_json takes it. -#}
{% macro contract_structure(family) -%}
    {{ return(scalar("select any_value(structure) from run.main.contract where family = '" ~ family ~ "'", '{}')) }}
{%- endmacro %}

{#- All values of a query's only column; none while dbt is only parsing. -#}
{% macro column(query) -%}
    {{ return(run_query(query).columns[0].values() if execute else []) }}
{%- endmacro %}
