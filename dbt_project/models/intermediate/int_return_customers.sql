{{ config(meta={'entity': ['tenant', 'return_id'], 'sources': ['stg_return_events']}) }}

with returns as (

    select
        tenant,
        return_id,
        order_id,
        {{ said('payload.customer_id') }} as customer_id
    from {{ touched_rows('stg_return_events') }}

),

named as (

    select
        tenant,
        return_id,
        customer_id
    from returns
    where customer_id is not null
    union
    select
        returns.tenant,
        returns.return_id,
        orders.customer_id
    from returns
    inner join {{ ref('int_order_customers') }} as orders
        on returns.tenant = orders.tenant and returns.order_id = orders.order_id

),

final as (

    select
        tenant,
        return_id,
        customer_id,
        {{ log_position() }}::bigint as changed_batch
    from named

)

select * from final
