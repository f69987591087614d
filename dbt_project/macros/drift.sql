{#-
    The values of some types in a payload, as a list of (path, type, value): those that the contract has for the event of
    this name. Which event has which is written into the query, so that each payload is searched for its own alone.
-#}
{% macro payload_values(name, payload, types) -%}
    case {{ name }}
        {%- for event, fields in contract_fields().items() %}
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
    {%- for fields in contract_fields().values() -%}
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

{#- Whether an event is one whose lines are units, which NewStore sends one by one. -#}
{% macro is_of_units(name) -%}
    {{ name }} in (
        '{{ (contract_names('order') + contract_names('return') + contract_names('fulfillment')) | join("', '") }}'
    )
{%- endmacro %}

{#- Whether the text of its JSON may hold a quantity that is not one; the search for the name costs next to nothing. -#}
{% macro may_not_be_one(name, json) -%}
    (
        {{ is_of_units(name) }}
        and contains({{ json }}, '"quantity"')
        and regexp_matches({{ json }}, '"quantity"\s*:\s*(["0-]|[2-9]|1[0-9.eE])')
    )
{%- endmacro %}
