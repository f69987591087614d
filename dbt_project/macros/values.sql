{#- A time of a payload, as the reading leaves it: in RFC 3339, or unreadable and absent. Nine digits are cut to six. -#}
{% macro utc(text) -%}
    case when regexp_matches({{ text }}, '^\d{4}-') then try_cast({{ text }} as timestamptz) end
{%- endmacro %}

{#- NewStore says nothing with an empty text as well as with an absent one. -#}
{% macro said(text) -%}
    nullif(trim({{ text }}), '')
{%- endmacro %}

{#- Extended attributes as a map from name to value, empty without any; a name may stand twice, its first value counts. -#}
{% macro attributes_by_name(attributes) -%}
    map_from_entries(list_filter(
        list_transform(
            coalesce({{ attributes }}, []), lambda each: { 'key': {{ said('each.name') }}, 'value': each.value ->> '$' }
        ),
        lambda each, place:
            each.key is not null
            and list_position(list_transform({{ attributes }}, lambda one: {{ said('one.name') }}), each.key) = place
    ))
{%- endmacro %}
