{#- A name that came from outside, cut short: an event may call itself anything, and ten megabytes of it. The log has all. -#}
{% macro shortened(column) -%}
    case when length({{ column }}) > 200 then left({{ column }}, 199) || '…' else {{ column }} end
{%- endmacro %}
