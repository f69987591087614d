{%- set position = built_position() -%}

{#- For each staging model, where its events name locations: of the whole, or of each line. -#}
{%- set places = {
    'stg_order_events': {
        'payload': ['demand_location_id'],
        'item': ['fulfillment_location_id', 'future_fulfillment_location_id'],
    },
    'stg_return_events': {'payload': ['return_location_id']},
    'stg_customer_events': {'payload': ['source.location_id']},
    'stg_fulfillment_events': {'payload': ['fulfillment_location_id']},
    'stg_inventory_transaction_events': {
        'payload': [
            'fulfillment_location_id', 'fulfillment_node_id', 'origin_id', 'destination_id', 'destination',
            'destination_location_id', 'destination_node_id', 'destination_fulfillment_node_id',
            'destination_fulfillment_location_id',
        ],
    },
    'stg_inventory_count_events': {'payload': ['fulfillment_location_id']},
} -%}
{{ config(
    unique_key=['tenant', 'location_id', 'role'],
    materialized='by_key',
    meta={'entity': ['tenant', 'location_id'], 'sources': places | list},
) }}

with sightings as (
    {% for source, fields in places.items() %}
    select
        tenant,
        published_at,
        unnest([
            {%- for field in fields.payload %}
            { 'role': '{{ field }}', 'location_id': payload.{{ field }} }{{ ',' if not loop.last }}
            {%- endfor %}
        ]) as place
    from {{ ref(source) }}
    where changed_batch > {{ position }}
    {%- if fields.item %}
    union all
    select
        tenant,
        published_at,
        unnest([
            {%- for field in fields.item %}
            { 'role': '{{ field }}', 'location_id': item.{{ field }} }{{ ',' if not loop.last }}
            {%- endfor %}
        ]) as place
    from (
        select
            tenant,
            published_at,
            unnest(payload.items) as item
        from {{ ref(source) }}
        where changed_batch > {{ position }}
    ) as lines
    {%- endif %}
    {{- ' union all' if not loop.last }}
    {%- endfor %}

),

news as (

    select
        tenant,
        {{ said('place.location_id') }} as location_id,
        place.role,
        min(published_at) as first_seen_at
    from sightings
    where {{ said('place.location_id') }} is not null
    group by all

),

{% if is_partial() -%}
known as (

    select
        tenant,
        location_id,
        role,
        first_seen_at as known_at
    from {{ this }}

),

changed as (

    select
        news.tenant,
        news.location_id,
        news.role,
        news.first_seen_at
    from news
    left join known on news.tenant = known.tenant and news.location_id = known.location_id and news.role = known.role
    where known.known_at is null or news.first_seen_at < known.known_at

),

{% endif -%}
final as (

    select
        *,
        {{ log_position() }}::bigint as changed_batch
    from {{ 'changed' if is_partial() else 'news' }}

)

select * from final
