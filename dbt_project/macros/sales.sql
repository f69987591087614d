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
