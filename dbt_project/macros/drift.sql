{#-
    The times of a payload, as a list of (path, value): those that the contract has for the event of this name. Which
    event has which is written into the query, so that each payload is searched for its own times alone.
-#}
{% macro payload_times(name, payload) -%}
    case {{ name }}
        {%- for row in rows_of("select name, string_agg(path, ' ' order by path) from run.main.contract_fields where type = 'time' group by name order by name") %}
        when '{{ row[0] }}' then list_concat(
            []
            {%- for path in row[1].split(' ') -%}
            ,
            {%- if '[]' in path %}
            list_transform(
                json_extract({{ payload }}, '$.{{ path | replace("[]", "[*]") }}'), lambda value: {'path': '{{ path }}', 'value': value}
            )
            {%- else %}
            [{'path': '{{ path }}', 'value': json_extract({{ payload }}, '$.{{ path }}')}]
            {%- endif -%}
            {%- endfor %}
        )
        {%- endfor %}
        else []
    end
{%- endmacro %}

{#- All rows of a query; none while dbt is only parsing. -#}
{% macro rows_of(query) -%}
    {{ return(run_query(query).rows if execute else []) }}
{%- endmacro %}
