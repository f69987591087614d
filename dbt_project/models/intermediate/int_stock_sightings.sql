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
{%- set position = built_position() %}

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

{% if is_partial() -%}
-- What earlier events of the same transactions have named.
known as (

    select
        tenant,
        source_id,
        list(location_id) as locations,
        list(product_id) as products,
        min(first_date) as date
    from {{ this }}
    where (tenant, source_id) in (select (events.tenant, events.source_id) from events)
    group by tenant, source_id

),

{% endif -%}
sources as (

    select
        tenant,
        source_id,
        list_distinct([{{ said('each') }} for each in flatten(list(locations))]) as locations,
        list_distinct([{{ said('each') }} for each in flatten(list(products))]) as products,
        min(date) as first_date
    from (
        select * from events
        {%- if is_partial() %}
        union all
        select * from known
        {%- endif %}
    ) as seen
    group by tenant, source_id

),

located as (

    select
        * exclude (locations),
        unnest(case when len(locations) > 0 then locations else [null] end) as location_id
    from sources

),

-- Every location with every product: a variant may correct the one and leave the other to an earlier event.
final as (

    select
        tenant,
        source_id,
        location_id,
        unnest(case when len(products) > 0 then products else [null] end) as product_id,
        first_date,
        {{ log_position() }}::bigint as changed_batch
    from located

)

select * from final
