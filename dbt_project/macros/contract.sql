{#-
    What the contract file says, through the tables that the session makes of it: `names` of events and `structures` of
    payloads by family, as from_json takes them; `documented`, the names of events whose key NewStore documents; and
    `fields`, by event, with each path of its payload and what it holds.
-#}
{% macro contract() -%}
    {{ return(ask("
        {
            'names': (
                select map(list(family), list(names)) from (
                    select family, list(name order by name) as names from run.main.contract group by family
                )
            ),
            'structures': (
                select map(list(family), list(structure)) from (
                    select family, any_value(structure) as structure from run.main.contract group by family
                )
            ),
            'documented': (select list(name order by name) from run.main.contract where key_source = 'documented'),
            'fields': (
                select map(list(name), list(fields)) from (
                    select name, list({'path': path, 'type': type} order by path) as fields
                    from run.main.contract_fields
                    group by name
                    order by name
                )
            )
        }
    ", {'names': {}, 'structures': {}, 'documented': [], 'fields': {}})) }}
{%- endmacro %}
