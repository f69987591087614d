{#- For each staging model, the column of its transaction, the fields that name a location, and when stock moved. -#}
{%- set transactions = {
    'stg_inventory_transaction_events': {
        'id': 'transaction_id',
        'locations': ['fulfillment_location_id', 'fulfillment_node_id', 'origin_id'],
        'time': utc('payload.processed_at'),
    },
    'stg_inventory_count_events': {
        'id': 'count_id',
        'locations': ['fulfillment_location_id'],
        'time': utc('payload.completed_at'),
    },
    'stg_fulfillment_events': {
        'id': 'fulfillment_request_id',
        'locations': ['fulfillment_location_id'],
        'time': 'list_min([' ~ utc('each.shipped_at') ~ ' for each in payload.items])',
        'moves': "event_name = 'fulfillment_request.items_completed'",
    },
    'stg_return_events': {
        'id': 'return_id',
        'locations': ['return_location_id'],
        'time': utc('payload.returned_at'),
    },
} -%}
{{ config(
    unique_key=['tenant', 'source_id'],
    materialized='by_key',
    meta={'entity': ['tenant', 'source_id'], 'sources': transactions | list},
) }}

{#- A transaction has at least one row for ever, so replacing the touched ones by their key forgets none. -#}
{%- set position = built_position() if is_partial() else 0 %}

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
        [each.product_id for each in payload.items] as products,
        case
            when {{ names.get('moves', 'true') }} then {{ day('least(published_at, ' ~ names.time ~ ')') }}
        end as date
    from {{ ref(source) }}
    where changed_batch > {{ position }}
    {{- ' union all' if not loop.last }}
    {%- endfor %}

),

new_sources as (

    select
        tenant,
        source_id,
        min(date) as first_date
    from events
    group by tenant, source_id

),

{% if is_partial() -%}
-- What earlier events of the same transactions have named.
known as (

    select
        earlier.tenant,
        earlier.source_id,
        earlier.location_id,
        earlier.product_id,
        earlier.first_date
    from {{ this }} as earlier
    inner join new_sources on earlier.tenant = new_sources.tenant and earlier.source_id = new_sources.source_id

),

{% endif -%}
sources as (

    select
        tenant,
        source_id,
        min(first_date) as first_date
    from (
        select * from new_sources
        {%- if is_partial() %}
        union all
        select
            tenant,
            source_id,
            first_date
        from known
        {%- endif %}
    ) as seen
    group by tenant, source_id

),

named_locations as (

    select
        tenant,
        source_id,
        unnest(locations) as location_id
    from events
    {%- if is_partial() %}
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
    {%- if is_partial() %}
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
        sources.first_date,
        {{ log_position() }}::bigint as changed_batch
    from sources
    left join locations on sources.tenant = locations.tenant and sources.source_id = locations.source_id
    left join products on sources.tenant = products.tenant and sources.source_id = products.source_id

)

select * from final
