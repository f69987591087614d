{{ config(meta={'entity': ['tenant', 'transfer_id'], 'sources': ['stg_inventory_transaction_events']}) }}
{%- set chunk = 'event_name, transfer_id, transaction_id, coalesce(payload.chunk_number, 1)' -%}
{%- set moved_at = 'coalesce(' ~ said('payload.shipment_date') ~ ', payload.processed_at)' -%}
{#- NewStore does not publish the field's name, so the first of these that says something. -#}
{%- set destinations = [
    'destination_id', 'destination_location_id', 'destination_fulfillment_location_id',
    'destination_fulfillment_node_id', 'destination_node_id', 'destination',
] %}

with counted as (

    {{ counted_events('stg_inventory_transaction_events') }}

),

events as (

    select *
    from counted
    where transfer_id is not null

),

-- The chunks of the announcement, and of all receipts that name it.
chunks as (

    {{ newest_events('events', chunk, moved_at) }}

),

quantities as (

    select
        *,
        event_name = 'inventory_transaction.asn_created' as is_announcement,
        coalesce(
            {%- for name in destinations %}
            {{ said('payload.' ~ name) }}{{ ',' if not loop.last }}
            {%- endfor %}
        ) as destination_id,
        coalesce(
            {{ said('payload.fulfillment_location_id') }}, {{ said('payload.fulfillment_node_id') }}
        ) as receiving_location_id,
        coalesce(list_sum([each.quantity::hugeint for each in payload.items]), 0) as quantity,
        { 'occurred_at': occurred_at, 'published_at': published_at, 'payload_hash': payload_hash } as version
    from chunks

),

transfers as (

    select
        tenant,
        transfer_id,
        arg_max({{ said('payload.origin_id') }}, version) filter (where is_announcement) as origin_location_id,
        arg_max(destination_id, version) filter (where is_announcement) as destination_location_id,
        arg_max(receiving_location_id, version) filter (where not is_announcement) as receiving_location_id,
        arg_max({{ said('payload.shipment_ref') }}, (is_announcement, version)) as shipment_ref,
        arg_max({{ said('payload.transfer_order_ref') }}, (is_announcement, version)) as transfer_order_ref,
        min(occurred_at) filter (where is_announcement) as shipped_at,
        min(occurred_at) filter (where not is_announcement) as received_at,
        sum(quantity) filter (where is_announcement) as shipped_quantity,
        sum(quantity) filter (where not is_announcement) as received_quantity
    from quantities
    group by tenant, transfer_id

),

final as (

    select
        tenant,
        transfer_id,
        origin_location_id,
        coalesce(destination_location_id, receiving_location_id) as destination_location_id,
        shipment_ref,
        transfer_order_ref,
        shipped_at,
        received_at,
        try_cast(shipped_quantity as bigint) as shipped_quantity,
        try_cast(received_quantity as bigint) as received_quantity,
        try_cast(received_quantity - shipped_quantity as bigint) as difference
    from transfers

)

select * from final
