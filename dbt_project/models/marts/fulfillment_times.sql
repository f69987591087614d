{%- set sources = ['stg_fulfillment_orders', 'stg_order_events'] -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources}) }}
-- depends_on: {{ ref('stg_fulfillment_orders') }}, {{ ref('stg_order_events') }}

with requests as (

    select
        tenant,
        order_id,
        failures,
        assigned_at,
        ready_for_handover_at as ready_at,
        completed_at
    from {{ touched_rows('fct_fulfillment_requests') }}
    where order_id is not null

),

placed as (

    select
        orders.tenant,
        orders.order_id,
        orders.ordered_at as placed_at
    from {{ touched_rows('fct_orders') }} as orders

),

-- A step within the places takes as long as the slowest request needs for it.
measured as (

    select
        requests.tenant,
        requests.order_id,
        min(requests.assigned_at) - min(placed.placed_at) as placed_to_assigned,
        max(requests.ready_at - requests.assigned_at) as assigned_to_ready,
        max(requests.completed_at - requests.ready_at) as ready_to_completed,
        max(requests.completed_at) - min(placed.placed_at) as placed_to_completed,
        sum(requests.failures)::bigint as rerouted,
        count(*) as split,
        min(placed.placed_at) as ordered_at
    from requests
    left join placed on requests.tenant = placed.tenant and requests.order_id = placed.order_id
    group by requests.tenant, requests.order_id

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
