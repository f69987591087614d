{{ config(meta={'entity': ['tenant', 'product_id'], 'sources': ['int_product_sightings', 'int_order_products']}) }}
-- depends_on: {{ ref('int_order_products') }}

with products as (

    select *
    from {{ touched_rows('int_product_sightings') }}

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
        sales.last_priced.unit as currency
    from products
    left join sales on products.tenant = sales.tenant and products.product_id = sales.product_id

)

select * from final
