{#- For each staging model, the column of its transaction, and the fields that name a location. -#}
{%- set transactions = {
    'stg_inventory_transaction_events': {
        'id': 'transaction_id',
        'locations': ['fulfillment_location_id', 'fulfillment_node_id', 'origin_id'],
    },
    'stg_inventory_count_events': {'id': 'count_id', 'locations': ['fulfillment_location_id']},
    'stg_fulfillment_events': {'id': 'fulfillment_request_id', 'locations': ['fulfillment_location_id']},
    'stg_return_events': {'id': 'return_id', 'locations': ['return_location_id']},
} -%}
{{ config(
    unique_key=['tenant', 'source_id'],
    incremental_strategy='delete+insert',
    meta={'entity': ['tenant', 'source_id'], 'sources': transactions | list},
) }}

{#- A transaction has at least one row for ever, so replacing the touched ones by their key forgets none. -#}
{%- set position = built_position() if is_incremental() else 0 %}

with events as (
    {% for source, names in transactions.items() %}
    select
        tenant,
        {{ names.id }} as source_id,
        [
            {%- for name in names.locations %}
            payload.{{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        ] as locations,
        [each.product_id for each in payload.items] as products
    from {{ ref(source) }}
    where changed_batch > {{ position }}
    {{- ' union all' if not loop.last }}
    {%- endfor %}

),

sources as (

    select distinct
        tenant,
        source_id
    from events

),

{% if is_incremental() -%}
-- What earlier events of the same transactions have named.
known as (

    select
        earlier.tenant,
        earlier.source_id,
        earlier.location_id,
        earlier.product_id
    from {{ this }} as earlier
    inner join sources on earlier.tenant = sources.tenant and earlier.source_id = sources.source_id

),

{% endif -%}
named_locations as (

    select
        tenant,
        source_id,
        unnest(locations) as location_id
    from events
    {%- if is_incremental() %}
    union all
    select
        tenant,
        source_id,
        location_id
    from known
    {%- endif %}

),

locations as (

    select distinct
        tenant,
        source_id,
        {{ said('location_id') }} as location_id
    from named_locations
    where {{ said('location_id') }} is not null

),

named_products as (

    select
        tenant,
        source_id,
        unnest(products) as product_id
    from events
    {%- if is_incremental() %}
    union all
    select
        tenant,
        source_id,
        product_id
    from known
    {%- endif %}

),

products as (

    select distinct
        tenant,
        source_id,
        {{ said('product_id') }} as product_id
    from named_products
    where {{ said('product_id') }} is not null

),

-- Every location with every product: a variant may correct the one and leave the other to an earlier event.
final as (

    select
        sources.tenant,
        sources.source_id,
        locations.location_id,
        products.product_id,
        {{ log_position() }}::bigint as changed_batch
    from sources
    left join locations on sources.tenant = locations.tenant and sources.source_id = locations.source_id
    left join products on sources.tenant = products.tenant and sources.source_id = products.source_id

)

select * from final
