{#- NewStore does not publish the field's name, so the first of these that holds a number. -#}
{%- set amounts = ['grand_total', 'total_amount', 'invoice_total', 'total', 'amount'] -%}
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
        coalesce(
            {%- for name in amounts %}
            try_cast(json_extract_string(payload_json, '$.{{ name }}') as decimal(18, 4)){{ ',' if not loop.last }}
            {%- endfor %}
        ) as amount,
        {{ said('payload.currency') }} as currency,
        payload_json as payload
    from invoices

)

select * from final
