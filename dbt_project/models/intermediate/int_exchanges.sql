{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': ['stg_order_events']}) }}

with headers as (

    select header_variant_id
    from {{ touched_rows('int_orders') }}
    where header_variant_id is not null

),

told as (

    select
        tenant,
        order_id,
        variant_id,
        unnest(payload.exchanges) as exchange
    from {{ touched_rows('stg_order_events') }}
    where len(payload.exchanges) > 0

),

named as (

    select
        told.tenant,
        told.order_id,
        {{ said('told.exchange.return_id') }} as return_id,
        {{ said('told.exchange.order_id') }} as original_order_id,
        headers.header_variant_id is not null as is_current
    from told
    left join headers on told.variant_id = headers.header_variant_id

),

-- A header may take a return back that an earlier one named: that return has to learn of it.
final as (

    select
        tenant,
        order_id,
        return_id,
        min(original_order_id) filter (where is_current) as original_order_id,
        bool_or(is_current) as is_current,
        {{ log_position() }}::bigint as changed_batch
    from named
    where return_id is not null or original_order_id is not null
    group by tenant, order_id, return_id

)

select * from final
