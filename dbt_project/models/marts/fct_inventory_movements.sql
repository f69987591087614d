{{ config(meta={'entity': ['tenant', 'source_id'], 'sources': ['int_stock_sightings']}) }}
-- depends_on: {{ ref('int_stock_sightings') }}

with events as (

    select *
    from {{ near('stg_inventory_transaction_events', ['tenant', 'transaction_id']) }}
    where
        event_name in (
            'inventory_transaction.items_received',
            'inventory_transaction.items_ready_for_handover',
            'inventory_transaction.adjustment_created'
        )
        {%- if is_partial() %}
        and {{ is_touched('tenant', 'transaction_id') }}
        {%- endif %}

),

chunks as (

    {{ newest_chunks('events', 'transaction_id', 'payload.processed_at') }}

),

lines as (

    select
        tenant,
        transaction_id as source_id,
        event_name,
        {{ transaction_location() }} as location_id,
        {{ said('payload.origin_stock_location_name') }} as origin_name,
        {{ said('payload.destination_stock_location_name') }} as destination_name,
        occurred_at,
        coalesce({{ said('payload.order_ref') }}, {{ said('payload.transfer_order_ref') }}) as order_ref,
        {{ said('payload.shipment_ref') }} as shipment_ref,
        {{ said('payload.asn_id') }} as asn_id,
        {{ said('payload.adjustment_type') }} as adjustment_type,
        {{ said('payload.adjustment_reason') }} as reason,
        {{ said('payload.note') }} as note,
        {{ said('payload.associate_id') }} as associate_id,
        chunk,
        unnest(payload.items) as item,
        generate_subscripts(payload.items, 1) as line
    from chunks

),

-- Two lines may name one product, and both count.
keyed as (

    select
        *,
        concat_ws('/', coalesce({{ said('item.product_id') }}, ''), chunk, line) as line_key,
        {{ said('item.product_id') }} as product_id,
        item.quantity::hugeint as quantity
    from lines

),

-- What only says where it goes has come from nowhere: it is found stock.
sides as (

    select
        *,
        case event_name
            when 'inventory_transaction.items_received' then 'received'
            when 'inventory_transaction.items_ready_for_handover' then 'transferred'
            else 'adjusted'
        end as movement_type,
        case
            when event_name = 'inventory_transaction.items_received' then ['received']
            when event_name = 'inventory_transaction.items_ready_for_handover' then ['origin']
            when destination_name is null then ['origin']
            when origin_name is null then ['destination']
            else ['origin', 'destination']
        end as touched_sides
    from keyed

),

stock_lines as (

    select
        *,
        unnest(touched_sides) as side
    from sides

),

transactions as (

    select
        tenant,
        movement_type,
        source_id,
        case when movement_type = 'adjusted' then line_key || '/' || side else line_key end as line_key,
        location_id,
        case
            when movement_type = 'adjusted' and side = 'origin' then origin_name
            when movement_type = 'adjusted' then destination_name
        end as stock_location_name,
        product_id,
        case when side = 'origin' then -quantity else quantity end as quantity_change,
        occurred_at,
        order_ref,
        shipment_ref,
        asn_id,
        adjustment_type,
        reason,
        note,
        associate_id
    from stock_lines

),

fulfilled as (

    select
        items.tenant,
        'fulfilled' as movement_type,
        items.fulfillment_request_id as source_id,
        items.item_id as line_key,
        requests.fulfillment_location_id as location_id,
        null::varchar as stock_location_name,
        items.product_id,
        -items.quantity::hugeint as quantity_change,
        items.completed_at as occurred_at,
        items.order_id as order_ref,
        items.tracking_code as shipment_ref,
        null::varchar as asn_id,
        null::varchar as adjustment_type,
        null::varchar as reason,
        null::varchar as note,
        requests.associate_id
    from {{ near('fct_fulfillment_items', ['tenant', 'fulfillment_request_id']) }} as items
    inner join {{ ref('fct_fulfillment_requests') }} as requests
        on items.tenant = requests.tenant and items.fulfillment_request_id = requests.fulfillment_request_id
    where
        items.completed_at is not null
        {%- if is_partial() %}
        and {{ is_touched('items.tenant', 'items.fulfillment_request_id') }}
        and {{ is_touched('requests.tenant', 'requests.fulfillment_request_id') }}
        {%- endif %}

),

-- Shipping that is paid back is money, and nothing that lies on a shelf. What an imported return brought back lay on
-- a shelf of years ago: the receipts and counts of the stream tell of it, if it is still there.
returned as (

    select
        items.tenant,
        'returned' as movement_type,
        items.return_id as source_id,
        items.item_id as line_key,
        returns.return_location_id as location_id,
        null::varchar as stock_location_name,
        items.product_id,
        items.quantity as quantity_change,
        items.returned_at as occurred_at,
        items.order_id as order_ref,
        null::varchar as shipment_ref,
        null::varchar as asn_id,
        null::varchar as adjustment_type,
        items.return_reason as reason,
        null::varchar as note,
        returns.associate_id
    from {{ ref('fct_return_items') }} as items
    inner join {{ ref('fct_returns') }} as returns
        on items.tenant = returns.tenant and items.return_id = returns.return_id
    where
        lower(items.item_type) is distinct from 'shipping'
        and returns.is_historical is distinct from true
        {%- if is_partial() %}
        and {{ is_touched('items.tenant', 'items.return_id') }}
        and {{ is_touched('returns.tenant', 'returns.return_id') }}
        {%- endif %}

),

final as (

    select * from transactions
    union all
    select * from fulfilled
    union all
    select * from returned

)

select
    tenant,
    movement_type,
    source_id,
    line_key,
    location_id,
    stock_location_name,
    product_id,
    try_cast(quantity_change as bigint) as quantity_change,
    occurred_at,
    order_ref,
    shipment_ref,
    asn_id,
    adjustment_type,
    reason,
    note,
    associate_id
from final
