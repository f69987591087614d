"""What the dashboard asks the lake. Money is of one currency at a time; days are UTC; no rows, no sum of nothing.

A figure has the name and the meaning that docs/metrics.md gives it: promised, asked for and paid are three things.
"""

from datetime import date
from typing import Final

import msgspec

# So many colours can be told apart; what comes after the first of them is one.
COLOURS: Final = 6
OTHERS: Final = "all others"
# Over more days than these, charts show weeks.
DAYS_APART: Final = 45


class Choice(msgspec.Struct, frozen=True):
    """What to look at: days from `first` to `last`, one currency, and channels and locations, all of them when none."""

    first: date
    last: date
    currency: str
    channels: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()

    def parameters(self) -> dict[str, object]:
        """The values of the names that the questions use."""
        return {
            "first": self.first,
            "last": self.last,
            "currency": self.currency,
            "channels": list(self.channels),
            "locations": list(self.locations),
        }


MOMENT: Final = """
select
    publications.batch,
    snapshots.snapshot_time
from trust.publications as publications
cross join (select snapshot_time from lake.snapshots() order by snapshot_id desc limit 1) as snapshots
"""
DAYS: Final = "select min(date) as first, max(date) as last from marts.daily_sales"
CURRENCIES: Final = """
select currency from marts.daily_sales group by currency order by sum(orders) desc, currency
"""
CHANNELS: Final = "select distinct channel from marts.daily_sales order by channel"
LOCATIONS: Final = "select distinct location_id as location from marts.dim_locations order by location"

# The day, or the week from its Monday where there are many: of few orders a day each figure jumps.
_DAY: Final = f"case when $last - $first > {DAYS_APART} then date_trunc('week', date)::date else date end"

_IN_SALES: Final = """
    date between $first and $last
    and currency = $currency
    and (len($channels) = 0 or list_contains($channels, channel))
"""
SALES: Final = f"""
select
    coalesce(sum(net_sales), 0) as net_sales,
    coalesce(sum(gross_sales), 0) as gross_sales,
    coalesce(sum(discounts), 0) as discounts,
    coalesce(sum(tax), 0) as tax,
    coalesce(sum(refunds), 0) as refunds,
    coalesce(sum(orders), 0)::bigint as orders,
    coalesce(sum(units), 0)::bigint as units,
    coalesce(sum(cancelled_units), 0)::bigint as cancelled_units
from marts.daily_sales
where {_IN_SALES}
"""
SALES_BY_DAY: Final = f"""
with ranked as (
    select
        channel,
        row_number() over (order by sum(net_sales) desc, channel) as place,
        count(*) over () as channels
    from marts.daily_sales
    where {_IN_SALES}
    group by channel
    having sum(net_sales) != 0
)

select
    {_DAY} as date,
    case when least(ranked.channels, ranked.place + 1) <= {COLOURS} then ranked.channel else '{OTHERS}' end as channel,
    min(least(ranked.place, {COLOURS})) as place,
    sum(sales.net_sales)::double as net_sales
from marts.daily_sales as sales
inner join ranked using (channel)
where {_IN_SALES}
group by all
order by all
"""
SALES_BY_CHANNEL: Final = f"""
select
    channel,
    channel_type,
    sum(orders)::bigint as orders,
    sum(units)::bigint as units,
    sum(gross_sales)::double as gross_sales,
    sum(discounts)::double as discounts,
    sum(net_sales)::double as net_sales,
    sum(tax)::double as tax
from marts.daily_sales
where {_IN_SALES}
group by channel, channel_type
having sum(orders) != 0
order by net_sales desc, channel, channel_type
"""

# An order is fulfilled from where its requests went; it belongs to the day it was placed on. What is taken away in the
# store leaves as it is bought: its hours say nothing of those of an order that is shipped.
_FULFILLED: Final = """
    select
        orders.order_id,
        (orders.ordered_at at time zone 'UTC')::date as date,
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
        (orders.ordered_at at time zone 'UTC')::date between $first and $last
        and orders.is_historical is distinct from true
        and orders.currency = $currency
        and (len($channels) = 0 or list_contains($channels, coalesce(orders.channel, 'unknown')))
        and (len($locations) = 0 or requests.is_chosen)
"""
FULFILMENT: Final = f"""
select
    count(*) as orders,
    count(*) filter (where is_taken_away) as taken_away,
    median(hours) filter (where not is_taken_away) as median_hours,
    quantile_cont(hours, 0.9) filter (where not is_taken_away) as p90_hours,
    count(*) filter (where rerouted > 0) as rerouted,
    count(*) filter (where split > 1) as split
from ({_FULFILLED})
"""
FULFILMENT_BY_DAY: Final = f"""
select
    {_DAY} as date,
    count(*) as orders,
    median(hours) as median,
    quantile_cont(hours, 0.9) as p90
from ({_FULFILLED})
where hours is not null and not is_taken_away
group by all
order by date
"""
FULFILMENT_BY_LEVEL: Final = f"""
select
    service_level,
    count(*)::bigint as orders,
    count(hours)::bigint as with_units_gone,
    round(median(hours), 1) as half_within_hours,
    round(quantile_cont(hours, 0.9), 1) as nine_in_ten_within_hours
from ({_FULFILLED})
group by service_level
order by orders desc, service_level
"""
REQUESTS_BY_LOCATION: Final = """
select
    coalesce(fulfillment_location_id, 'not said') as location,
    coalesce(status, 'unknown') as status,
    count(*) as requests
from marts.fct_fulfillment_requests
where
    (assigned_at at time zone 'UTC')::date between $first and $last
    and (len($locations) = 0 or list_contains($locations, fulfillment_location_id))
group by all
order by all
"""

_RETURNED: Final = """
    select
        returns.tenant,
        returns.return_id,
        returns.item_count,
        coalesce(returns.total_refund_amount_adjusted, returns.total_refund_amount, 0) as refund,
        (returns.returned_at at time zone 'UTC')::date as date,
        returns.is_blind
    from marts.fct_returns as returns
    left join marts.fct_orders as orders on returns.tenant = orders.tenant and returns.order_id = orders.order_id
    where
        (returns.returned_at at time zone 'UTC')::date between $first and $last
        and coalesce(returns.currency, orders.currency, 'XXX') = $currency
        and returns.is_historical is distinct from true
        and (len($channels) = 0 or list_contains($channels, coalesce(orders.channel, 'unknown')))
        and (len($locations) = 0 or list_contains($locations, returns.return_location_id))
"""
RETURNS: Final = f"""
select
    count(*) as returns,
    coalesce(sum(item_count), 0)::bigint as units,
    coalesce(sum(refund), 0) as refunds,
    count(*) filter (where is_blind) as blind
from ({_RETURNED})
"""
# Money is asked for and moves on an order's account, at no location.
_OF_CHANNELS: Final = """
    money.currency = $currency
    and (len($channels) = 0 or list_contains($channels, coalesce(orders.channel, 'unknown')))
"""
_MOVED_BACK: Final = f"""
    select (money.occurred_at at time zone 'UTC')::date as date, money.amount
    from marts.fct_payment_transactions as money
    left join marts.fct_orders as orders using (tenant, order_id)
    where
        money.transaction_type = 'refunded'
        and (money.occurred_at at time zone 'UTC')::date between $first and $last
        and {_OF_CHANNELS}
"""
REFUNDED: Final = f"""
select
    (select coalesce(sum(amount), 0) from ({_MOVED_BACK})) as refunded,
    coalesce(sum(money.amount), 0) as refunds_requested
from marts.fct_refund_requests as money
left join marts.fct_orders as orders using (tenant, order_id)
where (money.requested_at at time zone 'UTC')::date between $first and $last and {_OF_CHANNELS}
"""
PROMISED: Final = "promised by returns"
MOVED: Final = "money moved"
REFUNDS_BY_DAY: Final = f"""
select
    {_DAY} as date,
    what,
    sum(amount)::double as amount
from (
    select date, '{PROMISED}' as what, refund as amount from ({_RETURNED})
    union all
    select date, '{MOVED}' as what, amount from ({_MOVED_BACK})
    union all
    -- A day without is a day of nothing, not one between two others.
    select unnest(range($first, $last + 1, interval 1 day))::date as date, what, 0 as amount
    from (values ('{PROMISED}'), ('{MOVED}')) as either (what)
)
where what = '{PROMISED}' or len($locations) = 0
group by all
order by date, what desc
"""
RETURN_REASONS: Final = f"""
select coalesce(items.return_reason, 'not said') as reason, sum(items.quantity)::bigint as units
from marts.fct_return_items as items
semi join ({_RETURNED}) as returned using (tenant, return_id)
where lower(items.item_type) is distinct from 'shipping'
group by reason
order by units desc, reason
limit 10
"""

_STOCK: Final = "(len($locations) = 0 or list_contains($locations, location_id))"
STOCK: Final = f"""
select
    coalesce(sum(on_hand), 0)::bigint as on_hand,
    count(*) as positions,
    count(*) filter (where on_hand < 0) as below_zero,
    count(last_counted_at) as counted
from marts.fct_inventory_on_hand
where {_STOCK}
"""
STOCK_BY_LOCATION: Final = f"""
select location_id as location, sum(on_hand)::bigint as on_hand
from marts.fct_inventory_on_hand
where {_STOCK}
group by location_id
order by on_hand desc, location_id
"""
# The day a location's stock first moved is when all of it came in: beside it nothing else could be seen.
_MOVED: Final = """
    select
        (occurred_at at time zone 'UTC')::date as date,
        movement_type as movement,
        quantity_change as units,
        date = min(date) over (partition by tenant, location_id) and movement = 'received' as is_opening
    from marts.fct_inventory_movements
"""
MOVEMENTS_BY_DAY: Final = f"""
select
    {_DAY} as date,
    movement,
    sum(units)::bigint as units
from ({_MOVED} where {_STOCK})
where not is_opening and date between $first and $last
group by all
order by all
"""
OPENING: Final = f"""
select coalesce(sum(units), 0)::bigint as units
from ({_MOVED} where {_STOCK})
where is_opening and date between $first and $last
"""
LEAST_SURE: Final = f"""
select
    stock.location_id as location,
    coalesce(products.sku, 'id ' || stock.product_id) as product,
    stock.on_hand as units_on_hand,
    coalesce(strftime(stock.last_counted_at at time zone 'UTC', '%Y-%m-%d'), 'never') as last_counted,
    stock.movements_since_count as net_units_moved_since
from marts.fct_inventory_on_hand as stock
left join marts.dim_products as products using (tenant, product_id)
where {_STOCK}
order by
    stock.on_hand < 0 desc,
    stock.last_counted_at nulls first,
    abs(stock.movements_since_count) desc,
    stock.location_id,
    stock.product_id
limit 50
"""

DELIVERIES: Final = """
select
    coalesce(sum(deliveries), 0)::bigint as deliveries,
    coalesce(sum(events), 0)::bigint as events,
    coalesce(sum(duplicates), 0)::bigint as duplicates,
    coalesce(sum(quarantined), 0)::bigint as quarantined
from trust.deliveries
"""
# Late is what was published while there was somebody to receive it. What is older came with a replay or the first start
# of the stream; it is as late as it is old. A later delivery of what had come before is no late event either.
LATE: Final = """
with deliveries as (
    select tenant, name, idempotency_key, payload_hash, published_at, received_at
    from log.events
    where problem is null and batch <= (select max(batch) from trust.publications)
),

known as (select *, published_at >= (select min(received_at) from deliveries) as is_judged from deliveries),

late as (
    select tenant, name, idempotency_key, payload_hash, min(received_at) as received_at
    from known
    where is_judged and received_at > published_at + interval 15 minutes
    group by all
)

select
    (select count(*) from known where is_judged) as judged,
    (select count(*) from known where not is_judged) as older,
    count(*) as late
from late
where
    not exists (
        select 1
        from known as earlier
        where
            (earlier.tenant, earlier.name, earlier.idempotency_key, earlier.payload_hash)
            = (late.tenant, late.name, late.idempotency_key, late.payload_hash)
            and earlier.received_at < late.received_at
    )
"""
DELIVERIES_BY_HOUR: Final = """
with span as (select date_diff('hour', min(hour), max(hour)) > 72 as is_long from trust.deliveries)

select
    date_trunc(case when span.is_long then 'day' else 'hour' end, hour at time zone 'UTC') as moment,
    case kind when 'quarantined' then 'not understood' else kind end as became,
    sum(deliveries)::bigint as deliveries
from (
    unpivot (select hour, events, duplicates, quarantined from trust.deliveries)
    on events, duplicates, quarantined into name kind value deliveries
)
cross join span
group by all
order by all
"""
WAITING: Final = """
select parent as waits_for, event_name, count(*) as parents, sum(events)::bigint as events
from trust.missing_parents
group by all
order by events desc, waits_for, event_name
"""
DRIFT: Final = """
select event_name, path, drift, expected_type, seen_type, deliveries
from trust.contract_drift
order by deliveries desc, event_name, path, drift, expected_type, seen_type
"""
CONFLICTS: Final = """
select event_name, key_source, count(*) as keys, max(variants) as most_variants
from trust.event_conflicts
group by all
order by all
"""
PROBLEMS: Final = """
select problem, count(*) as deliveries from trust.quarantined_events group by problem order by deliveries desc, problem
"""
