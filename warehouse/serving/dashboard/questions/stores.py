"""What stores hand over and ship, what waits for them, and who sells in them."""

from typing import Final

from warehouse.serving.dashboard.question import Question
from warehouse.serving.dashboard.questions.common import DAY, IN_LOCATIONS, LOCATION_NAME

# An order is fulfilled from where its requests went; it belongs to the day it was placed on. What is taken away in the
# store leaves as it is bought: its hours say nothing of those of an order that is shipped.
_FULFILLED: Final = """
    select
        orders.order_id,
        orders.business_date as date,
        epoch(times.placed_to_completed) / 3600 as hours,
        times.rerouted,
        times.split,
        requests.is_taken_away,
        requests.service_level
    from marts.fulfillment_times as times
    inner join marts.fct_orders as orders using (tenant, order_id)
    inner join (
        select
            tenant,
            order_id,
            bool_and(service_level is not distinct from 'IN_STORE_HANDOVER') as is_taken_away,
            coalesce(min(service_level), 'not said') as service_level,
            bool_or(list_contains($locations, fulfillment_location_id)) as is_chosen
        from marts.fct_fulfillment_requests
        group by tenant, order_id
    ) as requests using (tenant, order_id)
    where
        orders.tenant = $tenant
        and orders.business_date between $first and $last
        and orders.is_historical is distinct from true
        and orders.currency = $currency
        and (len($locations) = 0 or requests.is_chosen)
"""
FULFILMENT: Final = Question(
    f"""
select
    count(*) as orders,
    count(*) filter (where is_taken_away) as taken_away,
    median(hours) filter (where not is_taken_away) as median_hours,
    quantile_cont(hours, 0.9) filter (where not is_taken_away) as p90_hours,
    count(*) filter (where rerouted > 0) as rerouted,
    count(*) filter (where split > 1) as split
from ({_FULFILLED})
""",
    (),
    {
        "orders": "metric.routed_orders",
        "taken_away": "fct_fulfillment_requests.service_level",
        "median_hours": "metric.hours_to_completed",
        "p90_hours": "metric.hours_to_completed",
        "rerouted": "metric.rerouted_orders",
        "split": "metric.split_orders",
    },
)
FULFILMENT_BY_DAY: Final = Question(
    f"""
select
    {DAY} as date,
    count(*) as orders,
    median(hours) as median,
    quantile_cont(hours, 0.9) as p90
from ({_FULFILLED})
where hours is not null and not is_taken_away
group by all
order by date
""",
    (),
    {
        "date": "fct_orders.business_date",
        "orders": "metric.routed_orders",
        "median": "metric.hours_to_completed",
        "p90": "metric.hours_to_completed",
    },
)
FULFILMENT_BY_LEVEL: Final = Question(
    f"""
select
    service_level,
    count(*)::bigint as orders,
    count(hours)::bigint as with_units_gone,
    round(median(hours), 1) as half_within_hours,
    round(quantile_cont(hours, 0.9), 1) as nine_in_ten_within_hours
from ({_FULFILLED})
group by service_level
order by orders desc, service_level
""",
    ("fct_fulfillment_requests",),
    {
        "orders": "metric.routed_orders",
        "with_units_gone": "fulfillment_times.placed_to_completed",
        "half_within_hours": "metric.hours_to_completed",
        "nine_in_ten_within_hours": "metric.hours_to_completed",
    },
)
_REQUESTS: Final = f"tenant = $tenant and date between $first and $last and {IN_LOCATIONS.format('location_id')}"
# Requests have no currency, and money has one: the two are aggregated apart and stand beside each other.
BY_LOCATION: Final = Question(
    f"""
with fulfilled as (
    select
        location_id,
        sum(assigned)::bigint as assigned,
        sum(completed)::bigint as completed,
        sum(failed)::bigint as failed,
        sum(units)::bigint as fulfilled_units,
        coalesce(sum(list_sum(map_values(rejected_by_reason))), 0)::bigint as rejected_units
    from marts.daily_fulfillment
    where {_REQUESTS}
    group by location_id
),

sold as (
    select
        location_id,
        sum(sold_orders)::bigint as sold_orders,
        sum(net_sales) as net_sales,
        sum(returned_sales) as returned_sales
    from marts.daily_store
    where {_REQUESTS} and currency = $currency
    group by location_id
),

waiting as (
    select location_id, count(*) as open_requests
    from marts.fct_open_requests
    where tenant = $tenant
    group by location_id
)

select
    {LOCATION_NAME.format("location_id")} as location,
    fulfilled.assigned,
    fulfilled.completed,
    fulfilled.failed,
    fulfilled.fulfilled_units,
    fulfilled.rejected_units,
    coalesce(waiting.open_requests, 0) as open_requests,
    sold.sold_orders,
    sold.net_sales,
    sold.returned_sales,
    locations.region
from fulfilled
full join sold using (location_id)
left join waiting using (location_id)
left join (select * from marts.dim_locations where tenant = $tenant) as locations using (location_id)
order by sold.net_sales desc nulls last, location
""",
    ("daily_fulfillment", "daily_store", "dim_locations"),
    {"location": "dim_locations.name", "open_requests": "fct_open_requests.fulfillment_request_id"},
)
REJECTED: Final = Question(
    f"""
select each.key as reason, sum(each.value)::bigint as units
from (select unnest(map_entries(rejected_by_reason)) as each from marts.daily_fulfillment where {_REQUESTS})
group by reason
order by units desc, reason
limit 10
""",
    (),
    {"reason": "fct_fulfillment_requests.reason", "units": "daily_fulfillment.rejected_by_reason"},
)
AGES: Final = ("under a day", "1 to 2 days", "2 to 7 days", "over a week", "not known")
_OPEN: Final = f"""
    select
        requests.*,
        {LOCATION_NAME.format("requests.location_id")} as location,
        case
            when requests.age is null then 4
            when requests.age < interval 1 day then 0
            when requests.age < interval 2 days then 1
            when requests.age < interval 7 days then 2
            else 3
        end as band
    from marts.fct_open_requests as requests
    left join marts.dim_locations as locations using (tenant, location_id)
    where requests.tenant = $tenant and {IN_LOCATIONS.format("requests.location_id")}
"""
BACKLOG: Final = Question(
    f"""
select
    count(*) as requests,
    coalesce(sum(units), 0)::bigint as units,
    max(epoch(age)) / 3600 as oldest_hours,
    count(*) filter (where age >= interval 2 days) as over_two_days
from ({_OPEN})
""",
    ("fct_open_requests",),
    {
        "requests": "fct_open_requests.fulfillment_request_id",
        "oldest_hours": "fct_open_requests.age",
        "over_two_days": "fct_open_requests.age",
    },
)
BACKLOG_BY_LOCATION: Final = Question(
    f"""
select location, {list(AGES)!r}[band + 1] as age, count(*) as requests
from ({_OPEN})
group by location, band
order by location, band
""",
    ("fct_open_requests",),
    {"location": "dim_locations.name", "requests": "fct_open_requests.fulfillment_request_id"},
)
OLDEST: Final = Question(
    f"""
select
    location,
    epoch(age) / 3600 as age_hours,
    units,
    status,
    service_level,
    fulfillment_request_id,
    order_id
from ({_OPEN})
order by age desc nulls last, fulfillment_request_id
limit 50
""",
    ("fct_open_requests",),
    {"location": "dim_locations.name", "age_hours": "fct_open_requests.age"},
)
ASSOCIATES: Final = Question(
    f"""
with people as (
    select associate_id, any_value(trim(concat_ws(' ', first_name, last_name))) as name
    from marts.dim_employees
    where tenant = $tenant and associate_id is not null
    group by associate_id
    having count(*) = 1
)

select
    coalesce(nullif(people.name, ''), days.associate_id) as associate,
    array_to_string(list_sort(list_distinct(list({LOCATION_NAME.format("days.location_id")}))), ', ') as locations,
    sum(days.orders)::bigint as orders,
    sum(days.units)::bigint as units,
    sum(days.net_sales) as net_sales,
    sum(days.returned_sales) as returned_sales,
    (sum(days.net_sales) / nullif(sum(days.orders), 0))::decimal(18, 2) as average_order_value,
    sum(days.units) / nullif(sum(days.orders), 0) as units_per_transaction
from marts.daily_associates as days
left join people on days.associate_id = people.associate_id
left join marts.dim_locations as locations
    on days.tenant = locations.tenant and days.location_id = locations.location_id
where
    days.tenant = $tenant
    and days.currency = $currency
    and days.date between $first and $last
    and {IN_LOCATIONS.format("days.location_id")}
group by days.associate_id, people.name
order by net_sales desc nulls last, associate
""",
    ("daily_associates",),
    {"associate": "daily_associates.associate_id", "locations": "daily_associates.location_id"},
)
