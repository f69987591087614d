{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': ['stg_order_events']}) }}

with events as (

    {{ counted_events('stg_order_events') }}

),

-- Variants of one event are one step; the earliest dates it.
final as (

    select
        tenant,
        order_id,
        event_name,
        idempotency_key as event_key,
        min(occurred_at) as occurred_at,
        case event_name
            when 'order.shipped' then 'completed'
            when 'order.items_on_hold' then 'on_hold'
            else split_part(event_name, '.', 2)
        end as status
    from events
    group by tenant, order_id, event_name, idempotency_key

)

select * from final
