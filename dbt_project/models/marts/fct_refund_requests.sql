{{ config(meta={'entity': ['tenant', 'refund_request_id'], 'sources': ['stg_refund_events']}) }}

with events as (

    {{ counted_events('stg_refund_events') }}

),

requests as (

    {{ newest_events('events', 'refund_request_id', 'payload.requested_at') }}

),

final as (

    select
        tenant,
        refund_request_id,
        order_id,
        {{ said('payload.payment_account_id') }} as payment_account_id,
        payload.amount,
        {{ said('payload.currency') }} as currency,
        {{ said('payload.return_reason') }} as return_reason,
        payload.reason_code,
        {{ said('payload.note') }} as note,
        {{ said('payload.associate_id') }} as associate_id,
        occurred_at as requested_at
    from requests

)

select * from final
