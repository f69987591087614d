{#-
    The rows of a table that belong to the entities this run recomputes; in a full build all rows of the table. Its
    columns of the entity are those of the model unless it calls them otherwise.

    In a run they are read through a view with the names of both, such as stg_order_events__order_id. Whoever runs the
    model makes it: see warehouse/build/model.py.
-#}
{% macro touched_rows(source, columns=none) -%}
    {%- set table = ref(source) -%}
    {%- set names = (columns or config.require('meta').entity) | reject('equalto', 'tenant') | list -%}
    {{ return(([source] + names) | join('__') if is_partial() else table) }}
{%- endmacro %}

{#-
    The entities whose days a run makes anew, each with the first of these days, `since`: the first on which something may
    be other than it was, by int_stock_sightings. West of UTC a day is that of the day before in UTC, and another zone
    moves all days. `day` is the column of int_stock_sightings; the model has its locations in `location_id`.
-#}
{% macro changed_since(day, entity) %}
    select
        {{ entity | join(',\n        ') }},
        min(since) as since
    from (
        select
            {{ entity | join(',\n            ') }},
            {{ day }} - 1 as since
        from {{ ref('int_stock_sightings') }}
        where
            changed_batch > {{ built_position() }}
            and {{ day }} is not null
            {%- for column in entity %}
            and {{ column }} is not null
            {%- endfor %}
        union all
        select
            {%- for column in entity %}
            days.{{ column }},
            {%- endfor %}
            '-infinity'::date as since
        from {{ this }} as days
        inner join {{ ref('stg_zones') }} as zones
            on days.tenant = zones.tenant
            and (zones.place = 'retailer' or (zones.place = 'location' and days.location_id = zones.place_id))
        where zones.changed_batch > {{ built_position() }}
    ) as either
    group by {{ entity | join(', ') }}
{% endmacro %}
