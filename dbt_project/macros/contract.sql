{#- What the contract file says, through the table that the session makes of it. -#}

{% macro contract_names(family) -%}
    {{ return(run_state().families.get(family, [])) }}
{%- endmacro %}

{% macro documented_names() -%}
    {{ return(run_state().documented) }}
{%- endmacro %}

{#- The type of the payloads of a family, as from_json takes it. -#}
{% macro contract_structure(family) -%}
    {{ return(run_state().structures.get(family, '{}')) }}
{%- endmacro %}
