{%- set sources = ['stg_fulfillment_events', 'stg_order_events'] -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources}) }}
-- depends_on: {{ ref('stg_order_events') }}

with counted as (

    {{ counted_events('stg_fulfillment_events') }}

),

events as (

    select *
    from counted
    where order_id is not null

),

steps as (

    {{ fulfillment_steps('events') }}

),

completions as (

    select
        tenant,
        order_id,
        fulfillment_request_id,
        item_id,
        arg_min(occurred_at, version) as completed_at
    from steps
    where step = 'items_completed'
    group by tenant, order_id, fulfillment_request_id, item_id

),

completed as (

    select
        tenant,
        order_id,
        fulfillment_request_id,
        max(completed_at) as completed_at
    from completions
    group by tenant, order_id, fulfillment_request_id

),

requests as (

    select
        tenant,
        order_id,
        fulfillment_request_id,
        arg_min(published_at, {{ fulfillment_version() }}) filter (
            where event_name = 'fulfillment_request.assigned'
        ) as assigned_at,
        arg_min(published_at, {{ fulfillment_version() }}) filter (
            where event_name = 'fulfillment_request.items_ready_for_handover'
        ) as ready_at,
        arg_max(published_at, {{ fulfillment_version() }}) filter (
            where event_name = 'fulfillment_request.items_completed'
        ) as completion_published_at,
        count(distinct idempotency_key) filter (
            where event_name = 'fulfillment_request.items_failed'
        ) as failures
    from events
    group by tenant, order_id, fulfillment_request_id

),

timed as (

    select
        requests.tenant,
        requests.order_id,
        requests.failures,
        requests.assigned_at,
        requests.ready_at,
        coalesce(completed.completed_at, requests.completion_published_at) as completed_at
    from requests
    left join completed
        on requests.tenant = completed.tenant
        and requests.order_id = completed.order_id
        and requests.fulfillment_request_id = completed.fulfillment_request_id

),

placed as (

    select
        orders.tenant,
        orders.order_id,
        orders.ordered_at as placed_at
    from {{ ref('fct_orders') }} as orders
    {%- if is_incremental() %}
    where {{ is_touched('orders.tenant', 'orders.order_id') }}
    {%- endif %}

),

-- A step within the places takes as long as the slowest request needs for it.
measured as (

    select
        timed.tenant,
        timed.order_id,
        min(timed.assigned_at) - min(placed.placed_at) as placed_to_assigned,
        max(timed.ready_at - timed.assigned_at) as assigned_to_ready,
        max(timed.completed_at - timed.ready_at) as ready_to_completed,
        max(timed.completed_at) - min(placed.placed_at) as placed_to_completed,
        sum(timed.failures)::bigint as rerouted,
        count(*) as split,
        min(placed.placed_at) as ordered_at
    from timed
    left join placed on timed.tenant = placed.tenant and timed.order_id = placed.order_id
    group by timed.tenant, timed.order_id

),

-- Clocks of stores disagree, and a Parquet file takes no negative interval: one such order would stop every refresh.
-- Nor does it keep less than a millisecond, so what readers see would depend on where the lake keeps the row.
final as (

    select
        * replace (
            {%- for step in ['placed_to_assigned', 'assigned_to_ready', 'ready_to_completed', 'placed_to_completed'] %}
            case when {{ step }} >= interval 0 second then date_trunc('milliseconds', {{ step }}) end
                as {{ step }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    from measured

)

select * from final
