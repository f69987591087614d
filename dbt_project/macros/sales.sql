{#- The day of a time in UTC, whatever the session's zone. -#}
{% macro day(time) -%}
    ({{ time }} at time zone 'UTC')::date
{%- endmacro %}

{#- Whether a time is in a year that a retailer's events may come from. -#}
{% macro is_believable(time) -%}
    ({{ time }} >= '2000-01-01 00:00:00+00' and {{ time }} < '2101-01-01 00:00:00+00')
{%- endmacro %}
