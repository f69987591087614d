{#- A unit test gives a model all its events at once, as a full build does; dbt has no relation for it to ask about. -#}
{% macro is_incremental() %}
    {{ return(this is not none and dbt.is_incremental()) }}
{% endmacro %}
