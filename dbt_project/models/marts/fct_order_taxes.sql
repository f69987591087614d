{%- set sources = ['stg_order_events', 'stg_return_orders', 'stg_fulfillment_orders'] -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources}) }}
-- depends_on: {{ ref('stg_order_events') }}, {{ ref('stg_return_orders') }}, {{ ref('stg_fulfillment_orders') }}

with lines as (

    select
        tenant,
        order_id,
        item_id,
        currency,
        unnest(tax_lines) as tax,
        generate_subscripts(tax_lines, 1) as tax_line
    from {{ touched_rows('int_order_lines') }}

),

taxes as (

    select
        tenant,
        order_id,
        item_id,
        tax_line,
        {{ said('tax.name') }} as name,
        {{ said('tax.country_code') }} as country_code,
        tax.amount,
        tax.rate as reported_rate,
        currency,
        sum(tax.amount) over (partition by tenant, order_id, item_id) as amount_of_unit
    from lines
    where tax is not null

),

units as (

    select
        tenant,
        order_id,
        item_id,
        net_amount,
        tax
    from {{ touched_rows('fct_order_items') }}

),

orders as (

    select
        tenant,
        order_id,
        lower(price_method) as price_method
    from {{ touched_rows('int_orders') }}

),

-- Without a price method nobody knows whether the price holds the tax.
priced as (

    select
        taxes.*,
        try_cast(
            case
                when orders.price_method in ('tax_excluded', 'vat_excluded') then units.net_amount
                when orders.price_method in ('tax_included', 'vat_included')
                    then units.net_amount - coalesce(units.tax, taxes.amount_of_unit)
            end as decimal(18, 4)
        ) as taxable_amount
    from taxes
    inner join units
        on taxes.tenant = units.tenant and taxes.order_id = units.order_id and taxes.item_id = units.item_id
    inner join orders on taxes.tenant = orders.tenant and taxes.order_id = orders.order_id

),

final as (

    select
        tenant,
        order_id,
        item_id,
        tax_line,
        name,
        country_code,
        amount,
        reported_rate,
        amount::double / nullif(taxable_amount, 0)::double as effective_rate,
        taxable_amount,
        currency
    from priced

)

select * from final
