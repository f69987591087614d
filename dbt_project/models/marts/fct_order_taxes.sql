{%- set sources = ['stg_order_events', 'stg_return_orders', 'stg_fulfillment_orders'] -%}
{%- set zones = {'rows': 'int_orders', 'location': 'demand_location_id', 'channel': 'channel'} -%}
{{ config(meta={'entity': ['tenant', 'order_id'], 'sources': sources, 'zones': zones}) }}
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
        business_date,
        {{ tax_included('price_method') }} as is_tax_included
    from {{ touched_rows('int_orders') }}

),

-- Without a price method nobody knows whether the price holds the tax.
priced as (

    select
        taxes.*,
        orders.business_date,
        try_cast(
            case
                when not orders.is_tax_included then units.net_amount
                when orders.is_tax_included then units.net_amount - coalesce(units.tax, taxes.amount_of_unit)
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
        currency,
        business_date
    from priced

)

select * from final
