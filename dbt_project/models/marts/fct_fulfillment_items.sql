{{ config(meta={
    'entity': ['tenant', 'fulfillment_request_id'],
    'sources': ['stg_fulfillment_events'],
    'zones': {'location': 'fulfillment_location_id'},
}) }}
-- depends_on: {{ ref('stg_fulfillment_events') }}
{%- set days = {'completed_on': 'completed_at', 'failed_on': 'failed_at'} %}

with units as (

    select
        tenant,
        fulfillment_request_id,
        item_id,
        order_id,
        fulfillment_location_id,
        product_id,
        quantity,
        status,
        rejection_reason,
        tracking_code,
        carrier,
        assigned_at,
        ready_for_handover_at,
        completed_at,
        failed_at
    from {{ touched_rows('int_fulfillment_units') }}

),

final as (

    {{ with_local_dates('units', days, 'fulfillment_location_id') }}

)

select * from final
