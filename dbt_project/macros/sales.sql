{#- When an order was placed; an order that does not say counts from when it was made, or opened. -#}
{% macro ordered_at(order) -%}
    coalesce({{ order }}.placed_at, {{ order }}.created_at, {{ order }}.opened_at)
{%- endmacro %}

{#- The day of a time in UTC, whatever the session's zone. -#}
{% macro day(time) -%}
    ({{ time }} at time zone 'UTC')::date
{%- endmacro %}
