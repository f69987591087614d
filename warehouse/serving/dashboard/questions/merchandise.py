"""What sells and what does not, how long the stock lasts, and what is out of it."""

from typing import Final

from warehouse.serving.dashboard.question import Question
from warehouse.serving.dashboard.questions.common import IN_LOCATIONS, LOCATION_NAME

PRODUCT_NAME: Final = "coalesce(products.name, products.sku, 'id ' || {})"
_IN_CATEGORIES: Final = "(len($categories) = 0 or list_contains($categories, products.category))"
_SALES: Final = f"""
    select
        items.product_id,
        sum(items.quantity)::bigint as units,
        sum(items.net_amount_excl_tax) as net_sales,
        sum(items.margin) as margin,
        coalesce(sum(items.returned_quantity), 0)::bigint as returned_units
    from marts.fct_order_items as items
    inner join marts.fct_orders as orders using (tenant, order_id)
    where
        items.tenant = $tenant
        and items.is_sale
        and coalesce(items.currency, 'XXX') = $currency
        and items.business_date between $first and $last
        and {IN_LOCATIONS.format("orders.demand_location_id")}
    group by items.product_id
"""
# What is below zero is owed to a count and covers nothing. Sell-through is one over all that was received.
_COVER: Final = "sum(greatest(on_hand, 0)) / nullif(sum(sold_28d) / 4, 0) as weeks_of_cover"
_SELL_THROUGH: Final = "sum(fulfilled) / nullif(sum(received), 0) as sell_through"
_OUT_OF_STOCK: Final = "sum(empty_positions) / nullif(sum(positions), 0) as out_of_stock"
_STOCK: Final = f"""
    select
        product_id,
        sum(on_hand)::bigint as on_hand,
        sum(sold_28d)::bigint as sold_28d,
        sum(stock.sell_through * came.received) as fulfilled,
        sum(came.received) filter (where stock.sell_through is not null) as received,
        count(*) filter (where on_hand <= 0) as empty_positions,
        count(*) as positions
    from marts.stock_position as stock
    left join (
        select tenant, location_id, product_id, sum(quantity_change) as received
        from marts.fct_inventory_movements
        where movement_type = 'received'
        group by all
    ) as came using (tenant, location_id, product_id)
    where stock.tenant = $tenant and {IN_LOCATIONS.format("location_id")}
    group by product_id
"""
_PRODUCTS: Final = f"""
    select
        product_id,
        {PRODUCT_NAME.format("product_id")} as product,
        products.category,
        coalesce(sales.units, 0) as units,
        coalesce(sales.net_sales, 0) as net_sales,
        sales.margin,
        coalesce(sales.returned_units, 0) as returned_units,
        stock.* exclude (product_id)
    from ({_SALES}) as sales
    full join ({_STOCK}) as stock using (product_id)
    left join (from marts.dim_products where tenant = $tenant) as products using (product_id)
    where {_IN_CATEGORIES} and products.is_gift_card is distinct from true
"""
_MEANINGS: Final = {
    "product": "dim_products.name",
    "units": "metric.units",
    "net_sales": "metric.net_sales",
    "margin": "metric.margin",
    "returned_units": "fct_order_items.returned_quantity",
    "weeks_of_cover": "stock_position.on_hand / (stock_position.sold_28d / 4)",
    "sell_through": "stock_position.sell_through",
    "out_of_stock": "stock_position.on_hand",
}
TOTAL: Final = Question(
    f"""
select
    coalesce(sum(units), 0)::bigint as units,
    coalesce(sum(net_sales), 0) as net_sales,
    coalesce(sum(on_hand), 0)::bigint as on_hand,
    {_COVER},
    {_SELL_THROUGH},
    {_OUT_OF_STOCK}
from ({_PRODUCTS})
""",
    ("stock_position",),
    _MEANINGS,
)
AS_OF: Final = Question(
    "select max(as_of) as as_of from marts.stock_position where tenant = $tenant", ("stock_position",)
)
_COLUMNS: Final = """
    product,
    category,
    units,
    net_sales,
    margin,
    returned_units,
    on_hand,
    greatest(on_hand, 0) / nullif(sold_28d / 4, 0) as weeks_of_cover,
    fulfilled / nullif(received, 0) as sell_through
"""
BEST: Final = Question(
    f"""
select {_COLUMNS}
from ({_PRODUCTS})
where units > 0
order by net_sales desc, units desc, product_id
limit 20
""",
    ("stock_position", "dim_products"),
    _MEANINGS,
)
# What cannot be bought cannot sell badly.
WORST: Final = Question(
    f"""
select {_COLUMNS}
from ({_PRODUCTS})
where on_hand > 0
order by units, net_sales, on_hand desc, product_id
limit 20
""",
    ("stock_position", "dim_products"),
    _MEANINGS,
)
BY_CATEGORY: Final = Question(
    f"""
select
    coalesce(category, 'not said') as category,
    sum(units)::bigint as units,
    sum(net_sales) as net_sales,
    sum(margin) as margin,
    sum(on_hand)::bigint as on_hand,
    {_COVER},
    {_SELL_THROUGH},
    {_OUT_OF_STOCK}
from ({_PRODUCTS})
group by category
order by net_sales desc, category
""",
    ("stock_position", "dim_products"),
    _MEANINGS,
)
_POSITIONS: Final = f"""
    select
        {PRODUCT_NAME.format("stock.product_id")} as product,
        products.category,
        {LOCATION_NAME.format("stock.location_id")} as location,
        stock.*
    from marts.stock_position as stock
    left join marts.dim_products as products using (tenant, product_id)
    left join marts.dim_locations as locations using (tenant, location_id)
    where
        stock.tenant = $tenant
        and {IN_LOCATIONS.format("stock.location_id")}
        and {_IN_CATEGORIES}
"""
_POSITION_MEANINGS: Final = {"product": "dim_products.name", "location": "dim_locations.name"}
OUT_OF_STOCK: Final = Question(
    f"""
select product, category, location, on_hand, sold_28d, days_out_of_stock_90d, last_sold_on, last_received_on
from ({_POSITIONS})
where on_hand <= 0
order by sold_28d desc, days_out_of_stock_90d desc, location_id, product_id
limit 100
""",
    ("stock_position", "dim_products"),
    _POSITION_MEANINGS,
)
RUNNING_OUT: Final = Question(
    f"""
select product, category, location, on_hand, sold_28d, weeks_of_cover, sell_through, last_received_on
from ({_POSITIONS})
where on_hand > 0 and weeks_of_cover is not null
order by weeks_of_cover, sold_28d desc, location_id, product_id
limit 100
""",
    ("stock_position", "dim_products"),
    _POSITION_MEANINGS,
)
NAMED: Final = Question(
    """
select product_id
from marts.dim_products
where tenant = $tenant and (name is not null or category is not null)
limit 1
""",
    ("dim_products",),
)
