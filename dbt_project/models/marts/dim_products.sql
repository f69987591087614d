{%- set sources = ['int_product_sightings', 'int_order_products', 'stg_reference_events'] -%}
{{ config(meta={'entity': ['tenant', 'product_id'], 'sources': sources}) }}
-- depends_on: {{ ref('int_order_products') }}

with sightings as (

    select *
    from {{ touched_rows('int_product_sightings') }}

),

described as (

    {{ newest_reference('reference.product', ['product_id'], touched_rows('stg_reference_events')) }}

),

products as (

    select
        coalesce(sightings.tenant, described.tenant) as tenant,
        coalesce(sightings.product_id, described.product_id) as product_id,
        sightings.sku,
        sightings.ean13,
        least(sightings.first_seen_at, described.first_said_at) as first_seen_at,
        described.said
    from sightings
    full outer join described
        on sightings.tenant = described.tenant and sightings.product_id = described.product_id

),

-- A sale as daily_sales counts it, but for cancelled units: those were not sold in the end.
units as (

    select
        tenant,
        product_id,
        order_id,
        item_id,
        list_price,
        currency,
        ordered_at as sold_at
    from {{ touched_rows('fct_order_items') }}
    where
        is_sale
        and status != 'cancelled'

),

sales as (

    select
        tenant,
        product_id,
        max(sold_at) as last_sold_at,
        arg_max({ 'amount': list_price, 'unit': currency }, (sold_at, order_id, item_id)) filter (
            where list_price is not null and sold_at is not null
        ) as last_priced
    from units
    group by tenant, product_id

),

final as (

    select
        products.tenant,
        products.product_id,
        products.sku.value as sku,
        products.ean13.value as ean13,
        products.first_seen_at,
        sales.last_sold_at,
        sales.last_priced.amount as last_list_price,
        sales.last_priced.unit as currency,
        {{ said('products.said.name') }} as name,
        {{ said('products.said.brand') }} as brand,
        {{ said('products.said.category') }} as category,
        {{ said('products.said.subcategory') }} as subcategory,
        {{ said('products.said.season') }} as season,
        {{ said('products.said.size') }} as size,
        {{ said('products.said.color') }} as color,
        products.said.unit_cost,
        {{ said('products.said.cost_currency') }} as cost_currency,
        coalesce(products.said.is_gift_card, false) as is_gift_card
    from products
    left join sales on products.tenant = sales.tenant and products.product_id = sales.product_id

)

select * from final
