"""What came back, and the money for it: promised, asked for and paid are three things."""

from typing import Final

from warehouse.serving.dashboard.question import Question
from warehouse.serving.dashboard.questions.common import DAY

_RETURNED: Final = """
    select
        returns.tenant,
        returns.return_id,
        returns.item_count,
        coalesce(returns.total_refund_amount_adjusted, returns.total_refund_amount, 0) as refund,
        returns.business_date as date,
        returns.is_blind
    from marts.fct_returns as returns
    left join marts.fct_orders as orders on returns.tenant = orders.tenant and returns.order_id = orders.order_id
    where
        returns.tenant = $tenant
        and returns.business_date between $first and $last
        and coalesce(returns.currency, orders.currency, 'XXX') = $currency
        and returns.is_historical is distinct from true
        and (len($channels) = 0 or list_contains($channels, coalesce(orders.channel, 'unknown')))
        and (len($locations) = 0 or list_contains($locations, returns.return_location_id))
"""
RETURNS: Final = Question(
    f"""
select
    count(*) as returns,
    coalesce(sum(item_count), 0)::bigint as units,
    coalesce(sum(refund), 0) as refunds,
    count(*) filter (where is_blind) as blind
from ({_RETURNED})
""",
    ("daily_sales", "fct_returns"),
    {
        "units": "fct_returns.item_count",
        "blind": "fct_returns.is_blind",
    },
)
# Money is asked for and moves on an order's account, at no location.
_OF_CHANNELS: Final = """
    money.tenant = $tenant
    and money.currency = $currency
    and (len($channels) = 0 or list_contains($channels, coalesce(orders.channel, 'unknown')))
"""
_MOVED_BACK: Final = f"""
    select money.business_date as date, money.amount
    from marts.fct_payment_transactions as money
    left join marts.fct_orders as orders using (tenant, order_id)
    where
        money.transaction_type = 'refunded'
        and money.business_date between $first and $last
        and {_OF_CHANNELS}
"""
REFUNDED: Final = Question(
    f"""
select
    (select coalesce(sum(amount), 0) from ({_MOVED_BACK})) as refunded,
    coalesce(sum(money.amount), 0) as refunds_requested
from marts.fct_refund_requests as money
left join marts.fct_orders as orders using (tenant, order_id)
where (money.requested_at at time zone 'UTC')::date between $first and $last and {_OF_CHANNELS}
""",
    (),
    {
        "refunded": "metric.refunded",
        "refunds_requested": "metric.refunds_requested",
    },
)
PROMISED: Final = "promised by returns"
MOVED: Final = "money moved"
REFUNDS_BY_DAY: Final = Question(
    f"""
select
    {DAY} as date,
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
""",
    ("daily_sales",),
    {
        "what": "daily_sales.refunds and metric.refunded",
        "amount": "daily_sales.refunds or metric.refunded",
    },
)
RETURN_REASONS: Final = Question(
    f"""
select coalesce(items.return_reason, 'not said') as reason, sum(items.quantity)::bigint as units
from marts.fct_return_items as items
semi join ({_RETURNED}) as returned using (tenant, return_id)
where lower(items.item_type) is distinct from 'shipping'
group by reason
order by units desc, reason
limit 10
""",
    ("fct_return_items",),
    {
        "reason": "fct_return_items.return_reason",
        "units": "fct_return_items.quantity",
    },
)
