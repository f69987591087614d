{%- set pair = ['tenant', 'location_id', 'product_id'] -%}
{{ config(
    unique_key=pair,
    materialized='by_key',
    meta={'entity': pair, 'sources': ['agg_stock_days', 'stg_reference_events']},
) }}
-- depends_on: {{ ref('stg_reference_events') }}

-- The newest day of a retailer's stock. A wrong year of one event does not make it the future: no day is later than the
-- newest event's, which in some zone is already the next.
with newest as (

    select
        days.tenant,
        coalesce(
            max(days.date) filter (where days.date <= {{ day('events.published_at') }} + 1), max(days.date)
        ) as as_of
    from {{ ref('agg_stock_days') }} as days
    left join {{ ref('int_newest_events') }} as events on days.tenant = events.tenant
    where not days.is_empty
    group by days.tenant

),

{% if is_partial() -%}
-- Pairs that moved, those of a product of which a file was loaded, and all of them when the newest day is another.
changed as (

    select
        tenant,
        location_id,
        product_id
    from {{ ref('agg_stock_days') }}
    where changed_batch > {{ built_position() }}
    union
    select
        positions.tenant,
        positions.location_id,
        positions.product_id
    from {{ this }} as positions
    inner join {{ ref('stg_reference_events') }} as events
        on positions.tenant = events.tenant and positions.product_id = events.product_id
    where events.changed_batch > {{ built_position() }}
    union
    select
        positions.tenant,
        positions.location_id,
        positions.product_id
    from {{ this }} as positions
    inner join newest on positions.tenant = newest.tenant and positions.as_of != newest.as_of

),

{% endif -%}
days as (

    select
        days.tenant,
        days.location_id,
        days.product_id,
        days.date,
        days.received,
        days.fulfilled,
        days.closing,
        newest.as_of,
        min(days.date) filter (where days.received > 0) over by_day as first_received_on,
        lead(days.date) over by_day as next_date
    from {{ ref('agg_stock_days') }} as days
    {% if is_partial() %}
    inner join changed
        on days.tenant = changed.tenant
        and days.location_id = changed.location_id
        and days.product_id = changed.product_id
    {% endif %}
    inner join newest on days.tenant = newest.tenant
    where not days.is_empty
    window by_day as (partition by days.tenant, days.location_id, days.product_id order by days.date)

),

-- A day's closing stays until the next day on which anything happened.
pairs as (

    select
        tenant,
        location_id,
        product_id,
        any_value(as_of) as as_of,
        arg_max({ 'units': closing }, date).units as on_hand,
        coalesce(-sum(fulfilled) filter (where date between as_of - 27 and as_of), 0)::hugeint as sold_28d,
        sum(received)::hugeint as received,
        -sum(fulfilled) filter (where first_received_on is not null)::hugeint as sold_since_receipt,
        min(first_received_on) as first_received_on,
        max(date) filter (where received > 0) as last_received_on,
        max(date) filter (where fulfilled < 0) as last_sold_on,
        coalesce(
            sum(
                greatest(0, least(coalesce(next_date, as_of + 1), as_of + 1) - greatest(date, as_of - 89))
            ) filter (where closing <= 0),
            0
        )::bigint as days_out_of_stock_90d
    from days
    group by tenant, location_id, product_id

)

select
    {%- for column in pair %}
    {{ 'changed' if is_partial() else 'pairs' }}.{{ column }},
    {%- endfor %}
    pairs.on_hand,
    try_cast(pairs.sold_28d as bigint) as sold_28d,
    case when pairs.on_hand >= 0 then pairs.on_hand * 4 / nullif(pairs.sold_28d, 0)::double end as weeks_of_cover,
    pairs.sold_since_receipt / nullif(pairs.received, 0)::double as sell_through,
    pairs.first_received_on,
    pairs.last_received_on,
    pairs.last_sold_on,
    pairs.days_out_of_stock_90d,
    try_cast(pairs.on_hand * products.unit_cost as decimal(18, 4)) as stock_value,
    case when products.unit_cost is not null then products.cost_currency end as currency,
    pairs.on_hand < 0 as is_negative,
    pairs.as_of,
    pairs.tenant is null as is_empty,
    {{ log_position() }}::bigint as changed_batch
from {{ 'changed' if is_partial() else 'pairs' }}
{% if is_partial() %}
left join pairs
    on changed.tenant = pairs.tenant
    and changed.location_id = pairs.location_id
    and changed.product_id = pairs.product_id
{% endif %}
left join {{ ref('dim_products') }} as products
    on pairs.tenant = products.tenant and pairs.product_id = products.product_id
