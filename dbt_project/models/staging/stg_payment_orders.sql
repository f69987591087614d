{{ config(
    materialized='by_entity',
    meta={'entity': ['tenant', 'payment_account_id'], 'sources': ['stg_payment_events']},
) }}

with named as (

    {{ orders_named('stg_payment_events', 'payment_account_id') }}

),

-- An event without transactions is in no mart of money, and makes an order of what it names all the same.
without_transactions as (

    select distinct
        tenant,
        payment_account_id,
        order_id
    from (
        select
            tenant,
            payment_account_id,
            arg_max(order_id, (published_at, payload_hash)) as order_id
        from {{ touched_rows('stg_payment_events') }}
        where coalesce(len(payload.transactions), 0) = 0
        group by tenant, payment_account_id, event_name
    ) as newest

),

final as (

    select
        named.tenant,
        named.payment_account_id,
        named.order_id,
        named.is_contested,
        others.tenant is not null as is_without_transactions,
        named.changed_batch
    from named
    left join without_transactions as others
        on named.tenant = others.tenant
        and named.payment_account_id = others.payment_account_id
        and named.order_id = others.order_id

)

select * from final
