"""What the dashboard asks the lake. Money is of one currency at a time; days are UTC; no rows, no sum of nothing."""

from datetime import date
from typing import Final

import msgspec


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


DAYS: Final = "select min(date) as first, max(date) as last from marts.daily_sales"
CURRENCIES: Final = """
select currency from marts.daily_sales group by currency order by sum(orders) desc, currency
"""
CHANNELS: Final = "select distinct channel from marts.daily_sales order by channel"
LOCATIONS: Final = "select distinct location_id as location from marts.dim_locations order by location"

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
select date, channel, sum(net_sales)::double as net_sales, sum(orders)::bigint as orders
from marts.daily_sales
where {_IN_SALES}
group by date, channel
order by date, channel
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
order by net_sales desc, channel, channel_type
"""

# An order is fulfilled from where its requests went; it belongs to the day it was placed on.
_FULFILLED: Final = """
    select
        orders.order_id,
        (orders.placed_at at time zone 'UTC')::date as date,
        epoch(times.placed_to_completed) / 3600 as hours,
        times.rerouted,
        times.split
    from marts.fulfillment_times as times
    inner join marts.fct_orders as orders using (tenant, order_id)
    where
        (orders.placed_at at time zone 'UTC')::date between $first and $last
        and orders.is_historical is distinct from true
        and orders.currency = $currency
        and (len($channels) = 0 or list_contains($channels, coalesce(orders.channel, 'unknown')))
        and (
            len($locations) = 0
            or exists (
                select 1
                from marts.fct_fulfillment_requests as requests
                where
                    requests.tenant = orders.tenant
                    and requests.order_id = orders.order_id
                    and list_contains($locations, requests.fulfillment_location_id)
            )
        )
"""
FULFILMENT: Final = f"""
select
    count(*) as orders,
    count(hours) as completed,
    median(hours) as median_hours,
    quantile_cont(hours, 0.9) as p90_hours,
    count(*) filter (where rerouted > 0) as rerouted,
    count(*) filter (where split > 1) as split
from ({_FULFILLED})
"""
FULFILMENT_BY_DAY: Final = f"""
select date, median(hours) as median, quantile_cont(hours, 0.9) as p90
from ({_FULFILLED})
where hours is not null
group by date
order by date
"""
REQUESTS_BY_LOCATION: Final = """
select fulfillment_location_id as location, coalesce(status, 'unknown') as status, count(*) as requests
from marts.fct_fulfillment_requests
where
    (assigned_at at time zone 'UTC')::date between $first and $last
    and (len($locations) = 0 or list_contains($locations, fulfillment_location_id))
group by all
order by all
"""

_RETURNED: Final = """
    select
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
RETURNS_BY_DAY: Final = f"""
select date, sum(refund)::double as refunds, count(*) as returns from ({_RETURNED}) group by date order by date
"""
RETURN_REASONS: Final = f"""
select coalesce(items.return_reason, 'not said') as reason, sum(items.quantity)::bigint as units
from marts.fct_return_items as items
where items.item_type is distinct from 'shipping' and items.return_id in (select return_id from ({_RETURNED}))
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
MOVEMENTS_BY_DAY: Final = f"""
select (occurred_at at time zone 'UTC')::date as date, movement_type as movement, sum(quantity_change)::bigint as units
from marts.fct_inventory_movements
where (occurred_at at time zone 'UTC')::date between $first and $last and {_STOCK}
group by all
order by all
"""
LEAST_SURE: Final = f"""
select
    location_id as location,
    product_id as product,
    on_hand,
    last_counted_quantity,
    last_counted_at::date as last_counted,
    movements_since_count
from marts.fct_inventory_on_hand
where {_STOCK}
order by on_hand < 0 desc, last_counted_at nulls first, abs(movements_since_count) desc, location_id, product_id
limit 50
"""

DELIVERIES: Final = """
select
    coalesce(sum(deliveries), 0)::bigint as deliveries,
    coalesce(sum(events), 0)::bigint as events,
    coalesce(sum(duplicates), 0)::bigint as duplicates,
    coalesce(sum(quarantined), 0)::bigint as quarantined,
    coalesce(sum(late_share * deliveries) / sum(deliveries), 0) as late_share,
    max(hour) as last_hour
from trust.deliveries
"""
DELIVERIES_BY_HOUR: Final = """
select hour, kind, sum(deliveries)::bigint as deliveries
from (
    unpivot (select hour, events, duplicates, quarantined from trust.deliveries)
    on events, duplicates, quarantined into name kind value deliveries
)
group by hour, kind
order by hour, kind
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
