{#- The deliveries of the log that this model has not read yet. -#}
{% macro new_deliveries() -%}
    batch > {{ built_position() if is_incremental() else 0 }}
    and batch <= {{ log_position() }}
{%- endmacro %}

{#- The first hour that this model recomputes; a time after all others where there is none. -#}
{% macro first_touched_hour(hours) -%}
    {%- set query = 'select min(hour)::varchar from ' ~ hours ~ ' where changed_batch > ' ~ built_position() -%}
    {{ return(scalar(query, none) or '9999-12-31 00:00:00+00') }}
{%- endmacro %}
