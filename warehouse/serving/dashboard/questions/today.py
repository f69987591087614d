"""One business day beside the same day of the year before, as the retailer's fiscal calendar has it."""

from typing import Final

from warehouse.serving.dashboard.question import Question
from warehouse.serving.dashboard.questions.common import LOCATION_NAME

# As in daily_store: by the fiscal calendar, which may have no such day; else by the date.
_DAY_BEFORE: Final = """
    select
        case
            when exists (select 1 from marts.dim_fiscal_dates where tenant = $tenant)
                then (select fiscal_day_last_year from marts.dim_fiscal_dates where tenant = $tenant and date = $first)
            when not (month($first) = 2 and day($first) = 29) then ($first - interval 1 year)::date
        end as day
"""
_OF_DAY: Final = "tenant = $tenant and currency = $currency and date = {}"
DAY_BEFORE: Final = Question(_DAY_BEFORE, (), {"day": "dim_fiscal_dates.fiscal_day_last_year"})
_FIGURES: Final = """
        sum(orders)::bigint as orders,
        sum(units)::bigint as units,
        sum(net_sales) as net_sales,
        sum(returned_sales) as returned_sales,
        sum(total_sales) as total_sales
"""
TOTAL: Final = Question(
    f"""
with today as (select {_FIGURES} from marts.daily_sales where {_OF_DAY.format("$first")}),

year_before as (select {_FIGURES} from marts.daily_sales where {_OF_DAY.format(f"({_DAY_BEFORE})")})

select
    coalesce(today.orders, 0) as orders,
    coalesce(today.units, 0) as units,
    coalesce(today.net_sales, 0) as net_sales,
    coalesce(today.returned_sales, 0) as returned_sales,
    coalesce(today.total_sales, 0) as total_sales,
    year_before.orders as orders_last_year,
    year_before.units as units_last_year,
    year_before.net_sales as net_sales_last_year,
    year_before.returned_sales as returned_sales_last_year,
    year_before.total_sales as total_sales_last_year
from today
cross join year_before
""",
    ("daily_sales",),
    {
        f"{name}_last_year": f"daily_sales.{name}"
        for name in ("orders", "units", "net_sales", "returned_sales", "total_sales")
    },
)
CHANGE: Final = "daily_store.net_sales / daily_store.net_sales_same_day_last_year - 1"
STORES: Final = Question(
    f"""
select
    {LOCATION_NAME.format("days.location_id")} as store,
    days.net_sales,
    days.net_sales_same_day_last_year as last_year,
    (days.net_sales / nullif(days.net_sales_same_day_last_year, 0) - 1)::double as change,
    days.sold_orders,
    days.sold_units,
    days.returns,
    days.returned_sales,
    days.fulfilled_requests,
    days.rejected_units,
    days.is_same_store,
    locations.region
from marts.daily_store as days
left join marts.dim_locations as locations using (tenant, location_id)
where
    days.tenant = $tenant
    and days.currency = $currency
    and days.date = $first
    and (len($locations) = 0 or list_contains($locations, days.location_id))
order by days.net_sales desc nulls last, store
""",
    ("daily_store", "dim_locations"),
    {"store": "dim_locations.name", "last_year": "daily_store.net_sales_same_day_last_year", "change": CHANGE},
)
THIS_DAY: Final = "this day"
LAST_YEAR: Final = "same day last year"
SAME_STORES: Final = Question(
    f"""
select
    sum(net_sales) filter (where is_same_store) as net_sales,
    sum(net_sales_same_day_last_year) filter (where is_same_store) as net_sales_same_day_last_year,
    count(*) filter (where is_same_store) as stores,
    count(*) filter (where net_sales != 0) as selling
from marts.daily_store
where {_OF_DAY.format("$first")} and (len($locations) = 0 or list_contains($locations, location_id))
""",
    ("daily_store",),
    {"stores": "daily_store.is_same_store", "selling": "daily_store.location_id"},
)
HOURS: Final = Question(
    f"""
select
    business_hour as hour,
    case when date = $first then '{THIS_DAY}' else '{LAST_YEAR}' end as day,
    sum(net_sales) as net_sales,
    sum(orders)::bigint as orders
from marts.daily_hours
where
    tenant = $tenant
    and currency = $currency
    and (date = $first or date = ({_DAY_BEFORE}))
    and (len($locations) = 0 or list_contains($locations, location_id))
group by all
order by hour, day desc
""",
    ("daily_hours",),
    {"hour": "daily_hours.business_hour", "day": "daily_hours.date"},
)
_LAST_YEAR: Final = "daily_sales.net_sales on dim_fiscal_dates.fiscal_day_last_year"
CHANNELS: Final = Question(
    f"""
select
    coalesce(named.name, today.channel, year_before.channel) as channel,
    coalesce(today.net_sales, 0) as net_sales,
    coalesce(year_before.net_sales, 0) as last_year,
    (today.net_sales / nullif(year_before.net_sales, 0) - 1)::double as change,
    coalesce(today.orders, 0) as orders,
    coalesce(today.units, 0) as units
from (
    select channel, {_FIGURES} from marts.daily_sales where {_OF_DAY.format("$first")} group by channel
) as today
full join (
    select channel, {_FIGURES} from marts.daily_sales where {_OF_DAY.format(f"({_DAY_BEFORE})")} group by channel
) as year_before on today.channel = year_before.channel
left join marts.dim_channels as named
    on named.tenant = $tenant and coalesce(today.channel, year_before.channel) = named.channel
order by net_sales desc, channel
""",
    ("daily_sales",),
    {"last_year": _LAST_YEAR, "change": f"daily_sales.net_sales / ({_LAST_YEAR}) - 1"},
)
