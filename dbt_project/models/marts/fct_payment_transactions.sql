{{ config(meta={'entity': ['tenant', 'payment_account_id'], 'sources': ['stg_payment_events']}) }}

with events as (

    {{ counted_events('stg_payment_events') }}

),

transaction_lines as (

    select
        tenant,
        payment_account_id,
        order_id,
        event_name,
        variant_id,
        payload_hash,
        published_at,
        unnest(payload.transactions) as transfer,
        generate_subscripts(payload.transactions, 1) as line
    from events

),

-- A transaction without an id is told apart by its event and line: two of them must not count as one.
transactions as (

    select
        tenant,
        payment_account_id,
        order_id,
        split_part(event_name, '.amount_', 2) as transaction_type,
        coalesce({{ said('transfer.id') }}, 'line-' || line || '-' || left(payload_hash, 16)) as transaction_id,
        {{ said('transfer.correlation_id') }} as correlation_id,
        {{ said('transfer.instrument_id') }} as instrument_id,
        transfer,
        coalesce({{ utc('transfer.processed_at') }}, {{ utc('transfer.created_at') }}, published_at) as occurred_at,
        variant_id,
        payload_hash,
        published_at
    from transaction_lines
    qualify row_number() over (partition by variant_id, transaction_id, correlation_id order by line) = 1

),

instrument_lines as (

    select
        variant_id,
        unnest(payload.instruments) as instrument,
        generate_subscripts(payload.instruments, 1) as line
    from events

),

instruments as (

    select
        variant_id,
        {{ said('instrument.id') }} as instrument_id,
        instrument
    from instrument_lines
    qualify row_number() over (partition by variant_id, instrument_id order by line) = 1

),

-- Several events may tell of one transaction; the newest says what it was, and for which of all orders.
newest as (

    select *
    from transactions
    qualify
        row_number() over (
            partition by tenant, payment_account_id, transaction_type, transaction_id, correlation_id
            order by occurred_at desc, published_at desc, payload_hash desc
        ) = 1

),

final as (

    select
        newest.tenant,
        newest.payment_account_id,
        newest.order_id,
        newest.transaction_type,
        newest.transaction_id,
        abs(newest.transfer.amount)::decimal(18, 4) as amount,
        newest.transfer.amount as reported_amount,
        {{ said('newest.transfer.currency') }} as currency,
        newest.instrument_id,
        {{ said('instruments.instrument.payment_method') }} as payment_method,
        {{ said('instruments.instrument.payment_provider') }} as payment_provider,
        {{ said('instruments.instrument.payment_wallet') }} as payment_wallet,
        newest.correlation_id,
        {{ said('newest.transfer.reason') }} as reason,
        newest.occurred_at
    from newest
    left join instruments
        on newest.variant_id = instruments.variant_id and newest.instrument_id = instruments.instrument_id

)

select * from final
