{#- NewStore's times: nine digits are cut to microseconds, a missing zone is UTC, blanks after colons are taken out. -#}
{% macro utc(text) -%}
    case when regexp_matches({{ text }}, '^\d{4}-') then try_cast(replace({{ text }}, ': ', ':') as timestamptz) end
{%- endmacro %}

{#- NewStore says nothing with an empty text as well as with an absent one. -#}
{% macro said(text) -%}
    nullif(trim({{ text }}), '')
{%- endmacro %}
