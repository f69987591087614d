"""What is where, what moved, and how sure it is."""

from typing import Final

from warehouse.serving.dashboard.question import Question
from warehouse.serving.dashboard.questions.common import DAY, IN_LOCATIONS

_STOCK: Final = "tenant = $tenant and (len($locations) = 0 or list_contains($locations, location_id))"
STOCK: Final = Question(
    f"""
select
    coalesce(sum(on_hand), 0)::bigint as on_hand,
    count(*) as positions,
    count(*) filter (where on_hand < 0) as below_zero,
    count(last_counted_at) as counted
from marts.fct_inventory_on_hand
where {_STOCK}
""",
    ("fct_inventory_on_hand",),
    {
        "positions": "fct_inventory_on_hand.product_id",
        "below_zero": "stock_position.is_negative",
        "counted": "fct_inventory_on_hand.last_counted_at",
    },
)
STOCK_BY_LOCATION: Final = Question(
    f"""
select location_id as location, sum(on_hand)::bigint as on_hand
from marts.fct_inventory_on_hand
where {_STOCK}
group by location_id
order by on_hand desc, location_id
""",
    ("fct_inventory_on_hand",),
    {
        "location": "fct_inventory_on_hand.location_id",
    },
)
# The day a location's stock first moved is when all of it came in: beside it nothing else could be seen.
_MOVED: Final = f"""
    select
        business_date as date,
        movement_type as movement,
        quantity_change as units,
        date = min(date) over (partition by tenant, location_id) and movement = 'received' as is_opening
    from marts.fct_inventory_movements
    where {_STOCK}
"""
MOVEMENTS_BY_DAY: Final = Question(
    f"""
select
    {DAY} as date,
    movement,
    sum(units)::bigint as units
from ({_MOVED})
where not is_opening and date between $first and $last
group by all
order by all
""",
    ("fct_inventory_movements",),
    {
        "date": "fct_inventory_movements.business_date",
        "movement": "fct_inventory_movements.movement_type",
        "units": "fct_inventory_movements.quantity_change",
    },
)
OPENING: Final = Question(
    f"""
select coalesce(sum(units), 0)::bigint as units
from ({_MOVED})
where is_opening and date between $first and $last
""",
    (),
    {
        "units": "fct_inventory_movements.quantity_change",
    },
)
LEAST_SURE: Final = Question(
    f"""
select
    stock.location_id as location,
    coalesce(products.sku, 'id ' || stock.product_id) as product,
    stock.on_hand as units_on_hand,
    coalesce(strftime(stock.last_counted_at at time zone 'UTC', '%Y-%m-%d'), 'never') as last_counted,
    stock.movements_since_count as net_units_moved_since
from marts.fct_inventory_on_hand as stock
left join marts.dim_products as products using (tenant, product_id)
where stock.tenant = $tenant and {IN_LOCATIONS.format("stock.location_id")}
order by
    stock.on_hand < 0 desc,
    stock.last_counted_at nulls first,
    abs(stock.movements_since_count) desc,
    stock.location_id,
    stock.product_id
limit 50
""",
    ("fct_inventory_on_hand",),
    {
        "location": "fct_inventory_on_hand.location_id",
        "product": "dim_products.sku",
        "units_on_hand": "fct_inventory_on_hand.on_hand",
        "last_counted": "fct_inventory_on_hand.last_counted_at",
        "net_units_moved_since": "fct_inventory_on_hand.movements_since_count",
    },
)
