{#- What the contract file says, through the tables that the session makes of it. -#}

{% macro contract_names(family) -%}
    {{ return(ask("select list(name order by name) from run.main.contract where family = '" ~ family ~ "'", [])) }}
{%- endmacro %}

{% macro documented_names() -%}
    {{ return(ask("select list(name order by name) from run.main.contract where key_source = 'documented'", [])) }}
{%- endmacro %}

{#- The type of the payloads of a family, as from_json takes it. -#}
{% macro contract_structure(family) -%}
    {{ return(ask("select any_value(structure) from run.main.contract where family = '" ~ family ~ "'", '{}')) }}
{%- endmacro %}

{#- Every path of every event's payload and what it holds, by the event's name. -#}
{% macro contract_fields() -%}
    {{ return(ask(
        "select map(list(name), list(fields)) from ("
        ~ "select name, list({'path': path, 'type': type} order by path) as fields"
        ~ " from run.main.contract_fields group by name order by name)",
        {}
    )) }}
{%- endmacro %}
