{#- A time of a payload, as the reading leaves it: in RFC 3339, or unreadable and absent. Nine digits are cut to six. -#}
{% macro utc(text) -%}
    case when regexp_matches({{ text }}, '^\d{4}-') then try_cast({{ text }} as timestamptz) end
{%- endmacro %}

{#- NewStore says nothing with an empty text as well as with an absent one. -#}
{% macro said(text) -%}
    nullif(trim({{ text }}), '')
{%- endmacro %}
