{%- set chunk = 'event_name, transaction_id, coalesce(payload.chunk_number, 1)' -%}
{{ config(meta={
    'entity': ['tenant', 'source_id'],
    'sources': ['int_stock_sightings'],
    'zones': {'location': 'location_id'},
}) }}
-- depends_on: {{ ref('int_stock_sightings') }}

with events as (

    select
        *,
        case event_name
            when 'inventory_transaction.items_received' then 'received'
            when 'inventory_transaction.items_ready_for_handover' then 'transferred'
            when 'inventory_transaction.adjustment_created' then 'adjusted'
        end as movement_type
    from {{ touched_rows('stg_inventory_transaction_events', ['tenant', 'transaction_id']) }}
    where movement_type is not null

),

chunks as (

    {{ newest_events('events', chunk, 'payload.processed_at') }}

),

lines as (

    select
        tenant,
        movement_type,
        transaction_id as source_id,
        coalesce(
            case when movement_type = 'adjusted' then {{ said('payload.fulfillment_node_id') }} end,
            {{ said('payload.fulfillment_location_id') }},
            {{ said('payload.fulfillment_node_id') }},
            case when movement_type != 'received' then {{ said('payload.origin_id') }} end
        ) as location_id,
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
        coalesce(payload.chunk_number, 1) as chunk,
        unnest(payload.items) as item,
        generate_subscripts(payload.items, 1) as line
    from chunks

),

-- An adjustment takes from one stock location and puts into another; one that only says where it puts has found stock.
sides as (

    select
        *,
        {{ said('item.product_id') }} as product_id,
        unnest(
            case
                when movement_type = 'received' then ['in']
                when movement_type = 'transferred' or destination_name is null then ['out']
                when origin_name is null then ['in']
                else ['out', 'in']
            end
        ) as side,
        case when movement_type = 'adjusted' then if(side = 'out', 'origin', 'destination') end as stock_side
    from lines

),

-- Two lines may name one product, and both count.
transactions as (

    select
        * exclude (origin_name, destination_name, chunk, item, line, side, stock_side),
        concat_ws('/', coalesce(product_id, ''), chunk, line, stock_side) as line_key,
        case stock_side
            when 'origin' then origin_name
            when 'destination' then destination_name
        end as stock_location_name,
        if(side = 'out', -item.quantity::hugeint, item.quantity::hugeint) as quantity_change
    from sides

),

fulfilled as (

    select
        items.tenant,
        'fulfilled' as movement_type,
        items.fulfillment_request_id as source_id,
        items.item_id as line_key,
        requests.fulfillment_location_id as location_id,
        items.product_id,
        -items.quantity::hugeint as quantity_change,
        items.completed_at as occurred_at,
        items.order_id as order_ref,
        items.tracking_code as shipment_ref,
        requests.associate_id
    from {{ touched_rows('fct_fulfillment_items', ['tenant', 'fulfillment_request_id']) }} as items
    inner join {{ touched_rows('fct_fulfillment_requests', ['tenant', 'fulfillment_request_id']) }} as requests
        on items.tenant = requests.tenant and items.fulfillment_request_id = requests.fulfillment_request_id
    where items.completed_at is not null

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
        items.product_id,
        items.quantity as quantity_change,
        items.returned_at as occurred_at,
        items.order_id as order_ref,
        items.return_reason as reason,
        returns.associate_id
    from {{ touched_rows('fct_return_items', ['tenant', 'return_id']) }} as items
    inner join {{ touched_rows('fct_returns', ['tenant', 'return_id']) }} as returns
        on items.tenant = returns.tenant and items.return_id = returns.return_id
    where
        lower(items.item_type) is distinct from 'shipping'
        and returns.is_historical is distinct from true

),

movements as (

    select * from transactions
    union all by name
    select * from fulfilled
    union all by name
    select * from returned

),

timed as (

    {{ with_local_time('movements', 'occurred_at', 'location_id') }}

),

final as (

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
        associate_id,
        local_time::date as business_date
    from timed

)

select * from final
