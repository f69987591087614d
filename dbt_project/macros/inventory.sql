{#-
    The newest variant of each chunk of an inventory transaction or count. Chunks are facts of their own; a payload
    without chunk_number is the only chunk.
-#}
{% macro newest_chunks(events, id, time) %}
    select
        *,
        coalesce(payload.chunk_number, 1) as chunk
    from ({{ newest_events(events, 'event_name, ' ~ id ~ ', coalesce(payload.chunk_number, 1)', time) }}) as chunks
{% endmacro %}

{#- The location of an inventory transaction, under whichever of its names. -#}
{% macro transaction_location() -%}
    coalesce(
        case
            when event_name = 'inventory_transaction.adjustment_created' then {{ said('payload.fulfillment_node_id') }}
        end,
        {{ said('payload.fulfillment_location_id') }},
        {{ said('payload.fulfillment_node_id') }},
        case
            when event_name != 'inventory_transaction.items_received' then {{ said('payload.origin_id') }}
        end
    )
{%- endmacro %}

{#- Where a transfer goes: the field's name is not published, so the first plausible one that says something. -#}
{% macro destination_location() -%}
    coalesce(
        {%- for name in [
            'destination_id', 'destination_location_id', 'destination_fulfillment_location_id',
            'destination_fulfillment_node_id', 'destination_node_id', 'destination',
        ] %}
        {{ said('payload.' ~ name) }}{{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{#- The lines of complete counts: these alone say what is there, a count of which chunks are missing does not. -#}
{% macro complete_counts(condition='') %}
    select
        tenant,
        location_id,
        product_id,
        count_id,
        counted_quantity,
        completed_at
    from {{ ref('fct_inventory_counts') }}
    where
        is_complete
        and counted_quantity is not null
        and location_id is not null
        {{ condition }}
{% endmacro %}

{#-
    Narrows rows of a location and product down to the days that int_stock_days makes anew in this run; nothing in a
    full build. `since` is what is asked of the time of a row beside.
-#}
{% macro join_changed(rows, since) -%}
    {%- if is_partial() -%}
        inner join changed
            on {{ rows }}.tenant = changed.tenant
            and {{ rows }}.location_id = changed.location_id
            and {{ rows }}.product_id = changed.product_id
            and {{ since }}
    {%- endif -%}
{%- endmacro %}
