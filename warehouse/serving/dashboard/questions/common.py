"""What every page asks: the moment it shows, what can be chosen, and the pieces that questions share."""

from typing import Final

from warehouse.serving.dashboard.choice import DAYS_APART

MOMENT: Final = """
select
    publications.batch,
    snapshots.snapshot_time
from trust.publications as publications
cross join (select snapshot_time from lake.snapshots() order by snapshot_id desc limit 1) as snapshots
"""
TENANTS: Final = "select tenant from marts.daily_sales group by tenant order by sum(orders) desc, tenant"
# Weeks and periods are the retailer's own where it has a fiscal calendar, else weeks begin on Mondays.
DAYS: Final = """
with days as (
    select
        min(date) as first,
        max(date) as last,
        coalesce(max(date) filter (where orders > 0), max(date)) as newest
    from marts.daily_sales
    where tenant = $tenant
),

calendar as (
    select
        date,
        fiscal_day_last_year,
        min(date) over (partition by fiscal_year, fiscal_week) as week_start,
        min(date) over (partition by fiscal_year, fiscal_period) as period_start
    from marts.dim_fiscal_dates
    where tenant = $tenant
)

select
    days.first,
    days.last,
    days.newest,
    coalesce(today.week_start, date_trunc('week', days.newest)::date) as week_start,
    coalesce(week_before.week_start, date_trunc('week', days.newest)::date - 7) as week_before_start,
    today.period_start,
    period_before.period_start as period_before_start
from days
left join calendar as today on days.newest = today.date
left join calendar as week_before on today.week_start - 1 = week_before.date
left join calendar as period_before on today.period_start - 1 = period_before.date
"""
CURRENCIES: Final = """
select currency from marts.daily_sales where tenant = $tenant group by currency order by sum(orders) desc, currency
"""
CHANNELS: Final = "select distinct channel from marts.daily_sales where tenant = $tenant order by channel"
LOCATIONS: Final = """
select location_id, name, region from marts.dim_locations where tenant = $tenant order by name nulls last, location_id
"""
CATEGORIES: Final = """
select distinct category from marts.dim_products where tenant = $tenant and category is not null order by category
"""

# The day, or the week from its Monday where there are many: of few orders a day each figure jumps.
DAY: Final = f"case when $last - $first > {DAYS_APART} then date_trunc('week', date)::date else date end"
IN_LOCATIONS: Final = "(len($locations) = 0 or list_contains($locations, {}))"
# What a location or an employee is called; its id where nobody says.
LOCATION_NAME: Final = "coalesce(locations.name, {})"
