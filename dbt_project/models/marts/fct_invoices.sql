{{ config(meta={'entity': ['tenant', 'invoice_id'], 'sources': ['stg_invoice_events']}) }}

with events as (

    {{ counted_events('stg_invoice_events') }}

),

invoices as (

    {{ newest_events('events', 'invoice_id', 'payload.created_at') }}

),

final as (

    select
        tenant,
        invoice_id,
        order_id,
        coalesce({{ said('payload.invoice_number') }}, {{ said('payload.number') }}) as invoice_number,
        occurred_at as created_at,
        {{ invoiced_amount('payload_json') }} as amount,
        {{ said('payload.currency') }} as currency,
        payload_json as payload
    from invoices

)

select * from final
