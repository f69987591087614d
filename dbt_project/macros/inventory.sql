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
