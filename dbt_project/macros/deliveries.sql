{#-
    The log, through a view that whoever runs the model points at it, or at a copy of the few deliveries that are new.
-#}
{% macro log_events() -%}
    {%- set log = source('log', 'events') -%}
    {{ return('log_events' if is_partial() else log) }}
{%- endmacro %}

{#- The deliveries of the log that this model has not read yet. -#}
{% macro new_deliveries(table='') -%}
    {%- set batch = (table ~ '.' if table else '') ~ 'batch' -%}
    {{ batch }} > {{ built_position() }}
    and {{ batch }} <= {{ log_position() }}
{%- endmacro %}
