{#- The payload of a delivery of the log as JSON, in which zero bytes can be seen: DuckDB would end a text there. -#}
{% macro raw_payload(body) -%}
    json_extract(case when contains({{ body }}, '\u0000') then without_zeros({{ body }}) else {{ body }} end, '$.payload')
{%- endmacro %}

{#-
    The values of some types in a payload, as a list of (path, type, value): those that the contract has for the event of
    this name. Which event has which is written into the query, so that each payload is searched for its own alone.
-#}
{% macro payload_values(name, payload, types) -%}
    case {{ name }}
        {%- for event, fields in contract().fields.items() %}
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

{#-
    Rows of drift by their key, added to those that earlier runs have found: deliveries are counted on, the first delivery
    stays the example.
-#}
{% macro add_up_drift(news) -%}
    select
        tenant,
        event_name,
        path,
        drift,
        min(expected_type) as expected_type,
        seen_type,
        sum(deliveries)::bigint as deliveries,
        min(first_delivery) as first_delivery,
        max(last_seen_at) as last_seen_at
    from (
        select * from {{ news }}
        {%- if is_partial() %}
        union all
        select * from {{ this }}
        where
            (tenant, event_name, path, drift, seen_type) in (
                select ({{ news }}.tenant, {{ news }}.event_name, {{ news }}.path, {{ news }}.drift, {{ news }}.seen_type)
                from {{ news }}
            )
        {%- endif %}
    ) as either
    group by tenant, event_name, path, drift, seen_type
{%- endmacro %}
