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

{#- Whether a text of JSON holds a number that may not fit: of 15 digits, with five decimals, or with an exponent. -#}
{% macro may_not_fit(json) -%}
    regexp_matches({{ json }}, '[:,\[]\s*-?(\d{15}|\d+\.\d{5}|\d+(\.\d+)?[eE])')
{%- endmacro %}
