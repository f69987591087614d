{#-
    The values of some types in a payload, as a list of (path, type, value): those that the contract has for the event of
    this name. Which event has which is written into the query, so that each payload is searched for its own alone.
-#}
{% macro payload_values(name, payload, types) -%}
    case {{ name }}
        {%- for event, fields in run_state().fields.items() %}
        when '{{ event }}' then list_concat(
            []
            {%- for field in fields if field.type in types -%}
            {%- set path, type = field.path, field.type -%}
            ,
            {%- if '[]' in path %}
            list_transform(
                json_extract({{ payload }}, '$.{{ path | replace("[]", "[*]") }}'),
                lambda value: {'path': '{{ path }}', 'type': '{{ type }}', 'value': value}
            )
            {%- else %}
            [{'path': '{{ path }}', 'type': '{{ type }}', 'value': json_extract({{ payload }}, '$.{{ path }}')}]
            {%- endif -%}
            {%- endfor %}
        )
        {%- endfor %}
        else []
    end
{%- endmacro %}

{#- The names of all fields of some types, as alternatives of a regular expression. -#}
{% macro names_of(types) -%}
    {%- set names = [] -%}
    {%- for fields in run_state().fields.values() -%}
        {%- for field in fields if field.type in types and field.path.split('.')[-1].split('[')[0] not in names -%}
            {%- do names.append(field.path.split('.')[-1].split('[')[0]) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return('"(' ~ names | sort | join('|') ~ ')"\\s*:\\s*') }}
{%- endmacro %}

{#-
    Whether a text of JSON holds a number that may not fit: a field with the name of an amount or a whole number, of 15
    digits, with five decimals, or with an exponent.
-#}
{% macro may_not_fit(json) -%}
    (
        contains({{ json }}, '\u')
        or regexp_matches(
            {{ json }}, '{{ names_of(["money", "integer"]) }}(\[|-?(\d{15}|\d+\.\d{5}|\d+(\.\d+)?[eE]))'
        )
    )
{%- endmacro %}

{#-
    Whether a text of JSON holds a time that may be unreadable: a field with the name of a time whose text is not written
    in the usual way. Nearly all are, and to look at a whole text twice costs a tenth of taking every time out of it.
-#}
{% macro may_be_unreadable(json) -%}
    {%- set name = names_of(['time']) -%}
    {%- set usual = '"[12]\\d{3}-(0[1-9]|1[0-2])-(0[1-9]|1\\d|2[0-8])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|\\+00:00)"' -%}
    (
        contains({{ json }}, '\u')
        or regexp_matches(regexp_replace({{ json }}, '{{ name ~ usual }}', '', 'g'), '{{ name }}("[^"]|\[)')
    )
{%- endmacro %}

{#- Whether a text of JSON may hold a time with a small t or z, which a strict decoder reads and DuckDB does not. -#}
{% macro may_have_small_letters(json) -%}
    regexp_matches({{ json }}, '"\d{4}-\d\d-\d\d(t|[^"]*z")')
{%- endmacro %}
