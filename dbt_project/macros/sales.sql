{#- The day of a time in UTC, whatever the session's zone. -#}
{% macro day(time) -%}
    ({{ time }} at time zone 'UTC')::date
{%- endmacro %}

{#- Whether a time is in a year that a retailer's events may come from. -#}
{% macro is_believable(time) -%}
    {{ time }} >= timestamptz '2000-01-01 00:00:00+00' and {{ time }} < timestamptz '2101-01-01 00:00:00+00'
{%- endmacro %}

{#- Whether it is in another one; `not` would have each time looked at. -#}
{% macro is_unbelievable(time) -%}
    {{ time }} < timestamptz '2000-01-01 00:00:00+00' or {{ time }} >= timestamptz '2101-01-01 00:00:00+00'
{%- endmacro %}
