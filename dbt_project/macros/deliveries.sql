{#- The deliveries of the log that this model has not read yet. -#}
{% macro new_deliveries() -%}
    batch > {{ built_position() if is_incremental() else 0 }}
    and batch <= {{ log_position() }}
{%- endmacro %}

{#- How to read those of them that are not in all as the contract has them: a reading is never of an earlier run. -#}
{% macro new_readings() -%}
    changed_batch > {{ built_position() if is_incremental() else 0 }}
{%- endmacro %}
