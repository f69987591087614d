{#- A time of a payload, as the reading leaves it: in RFC 3339, or unreadable and absent. Nine digits are cut to six. -#}
{% macro utc(text) -%}
    case when regexp_matches({{ text }}, '^\d{4}-') then try_cast({{ text }} as timestamptz) end
{%- endmacro %}

{#- Hours from one time to another; null where they would end before they begin, as clocks of stores disagree. -#}
{% macro hours(since, until) -%}
    case when {{ until }} >= {{ since }} then (epoch_us({{ until }}) - epoch_us({{ since }})) / 3600000000 end
{%- endmacro %}

{#- NewStore says nothing with an empty text as well as with an absent one. -#}
{% macro said(text) -%}
    nullif(trim({{ text }}), '')
{%- endmacro %}

{#- Extended attributes as a map from name to value, empty without any; a name may stand twice, its first value counts. -#}
{% macro attributes_by_name(attributes) -%}
    map_from_entries(list_transform(
        list_sort(list_distinct(list_transform(
            coalesce({{ attributes }}, []), lambda each: {{ said('each.name') }}
        ))),
        lambda one: {
            'key': one,
            'value': list_filter({{ attributes }}, lambda each: {{ said('each.name') }} = one)[1].value ->> '$'
        }
    ))
{%- endmacro %}
