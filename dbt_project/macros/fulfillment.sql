{#-
    The units that fulfilment events name, with the place of each event among all of them: logical_timestamp as an
    integer, then published_at, then the payload's hash, then the event's name. An id may stand twice in one event: its first line counts.
-#}
{% macro fulfillment_steps(events) %}
    select
        tenant,
        fulfillment_request_id,
        split_part(event_name, '.', 2) as step,
        {{ fulfillment_version() }} as version,
        {{ said('payload.fulfillment_location_id') }} as fulfillment_location_id,
        coalesce({{ said('item.id') }}, 'line-' || line) as item_id,
        {{ said('item.product_id') }} as product_id,
        item.quantity,
        {{ said('item.rejection_reason') }} as rejection_reason,
        {{ said('item.tracking_code') }} as tracking_code,
        {{ said('item.carrier') }} as carrier,
        case
            when event_name = 'fulfillment_request.items_completed'
                then coalesce({{ utc('item.shipped_at') }}, published_at)
            else published_at
        end as occurred_at
    from (
        select
            *,
            unnest(payload.items) as item,
            generate_subscripts(payload.items, 1) as line
        from {{ events }}
    ) as lines
    qualify row_number() over (partition by variant_id, item_id order by line) = 1
{% endmacro %}

{#- The order of fulfilment events: an event without a logical_timestamp is older than all others. -#}
{% macro fulfillment_version() -%}
    {
        'logical_timestamp': coalesce(payload.logical_timestamp, -1),
        'published_at': published_at,
        'payload_hash': payload_hash,
        'event_name': event_name
    }
{%- endmacro %}

{#- The state a fulfilment event leaves its request, or its units, in. -#}
{% macro fulfillment_status(step) -%}
    replace(replace({{ step }}, 'items_', ''), '_for_handover', '')
{%- endmacro %}
