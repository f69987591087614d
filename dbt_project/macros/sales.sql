{#- The day of a time in UTC, whatever the session's zone. -#}
{% macro day(time) -%}
    ({{ time }} at time zone 'UTC')::date
{%- endmacro %}

{#-
    An amount of one unit for all units of a line. A product beyond what any column can hold is cut to more than that, so
    that it stays so in every sum.
-#}
{% macro of_all_units(amount, quantity) -%}
    case
        when {{ amount }} is not null
            then greatest(least({{ amount }} * {{ quantity }}, 1e20::decimal(37, 4)), -1e20::decimal(37, 4))
    end
{%- endmacro %}

{#- Whether a time is in a year that a retailer's events may come from. -#}
{% macro is_believable(time) -%}
    {{ time }} >= timestamptz '2000-01-01 00:00:00+00' and {{ time }} < timestamptz '2101-01-01 00:00:00+00'
{%- endmacro %}

{#- Whether it is in another one; `not` would have each time looked at. -#}
{% macro is_unbelievable(time) -%}
    {{ time }} < timestamptz '2000-01-01 00:00:00+00' or {{ time }} >= timestamptz '2101-01-01 00:00:00+00'
{%- endmacro %}
