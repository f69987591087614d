{#-
    For each staging model beside the orders: the times that date what its events say, and what else its lines hold.
    A line of a return may be shipping, which is no product; a fulfilment says no identifiers.
-#}
{%- set lists = {
    'stg_return_events': {'times': ['returned_at'], 'type': 'item.item_type', 'identifiers': 'item.external_identifiers'},
    'stg_fulfillment_events': {'times': []},
    'stg_inventory_transaction_events': {
        'times': ['shipment_date', 'processed_at'], 'identifiers': 'item.external_identifiers',
    },
    'stg_inventory_count_events': {
        'times': ['completed_at', 'started_at'], 'identifiers': 'item.external_identifiers',
    },
} -%}
{%- set sources = ['stg_order_events'] + lists | list -%}
{{ config(
    unique_key=['tenant', 'product_id'],
    materialized='by_key',
    meta={'entity': ['tenant', 'product_id'], 'sources': sources},
) }}

{%- set position = built_position() %}

with order_lines as (

    select
        tenant,
        published_at,
        payload_hash,
        coalesce({{ utc('payload.placed_at') }}, {{ utc('payload.created_at') }}) as said_at,
        unnest(payload.items) as item
    from {{ ref('stg_order_events') }}
    where changed_batch > {{ position }}

),

lines as (

    select
        tenant,
        unnest({{ products_of_item('item') }}) as product_id,
        {{ said('item.product_id') }} as described_id,
        published_at,
        payload_hash,
        said_at,
        item.external_identifiers as identifiers
    from order_lines
    where lower(item.item_type) is distinct from 'shipping'
    {%- for source, fields in lists.items() %}
    union all
    select
        tenant,
        {{ said('item.product_id') }} as product_id,
        product_id as described_id,
        published_at,
        payload_hash,
        said_at,
        {{ fields.get('identifiers', 'null::json') }} as identifiers
    from (
        select
            tenant,
            published_at,
            payload_hash,
            coalesce(
                {%- for time in fields.times %}
                {{ utc('payload.' ~ time) }},
                {%- endfor %}
                null::timestamptz
            ) as said_at,
            unnest(payload.items) as item
        from {{ ref(source) }}
        where changed_batch > {{ position }}
    ) as {{ source }}
    where lower({{ fields.get('type', 'null::varchar') }}) is distinct from 'shipping'
    {%- endfor %}

),

-- What an event says is dated by its own time alone: a replay may change published_at, and a maximum of earlier runs
-- would keep the old one. An event without a time of its own counts as the oldest.
sightings as (

    select
        tenant,
        product_id,
        published_at as first_seen_at,
        coalesce(said_at, '-infinity'::timestamptz) as said_at,
        payload_hash,
        case when product_id = described_id then {{ said("identifiers ->> '$.sku'") }} end as sku,
        case when product_id = described_id then {{ said("identifiers ->> '$.ean13'") }} end as ean13
    from lines
    where product_id is not null

),

news as (

    select
        tenant,
        product_id,
        min(first_seen_at) as first_seen_at,
        max({ 'said_at': said_at, 'payload_hash': payload_hash, 'value': sku }) filter (where sku is not null) as sku,
        max({ 'said_at': said_at, 'payload_hash': payload_hash, 'value': ean13 }) filter (
            where ean13 is not null
        ) as ean13
    from sightings
    group by tenant, product_id

),

{% if is_partial() -%}
known as (

    select
        tenant,
        product_id,
        first_seen_at,
        sku,
        ean13
    from {{ this }}
    where (tenant, product_id) in (select (news.tenant, news.product_id) from news)

),

merged as (

    select
        tenant,
        product_id,
        min(first_seen_at) as first_seen_at,
        max(sku) as sku,
        max(ean13) as ean13
    from (
        select * from news
        union all
        select * from known
    ) as either
    group by tenant, product_id

),

changed as (

    select * from merged
    except
    select * from known

),

{% endif -%}
final as (

    select
        *,
        {{ log_position() }}::bigint as changed_batch
    from {{ 'changed' if is_partial() else 'news' }}

)

select * from final
