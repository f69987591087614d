{#- The deliveries of the log that this model has not read yet. -#}
{% macro new_deliveries() -%}
    batch > {{ built_position() if is_incremental() else 0 }}
    and batch <= {{ log_position() }}
{%- endmacro %}
