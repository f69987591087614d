"""The close of a month or of other days: from gross to total, the money that moved, and what does not reconcile."""

from typing import Final

from warehouse.serving.dashboard.question import Question
from warehouse.serving.month_close import LINES

_CHOSEN: Final = "tenant = $tenant and currency = $currency and {} between $first and $last"
SALES: Final = Question(
    f"""
select
    {", ".join(f"coalesce(sum({name}), 0) as {name}" for name in (*dict(LINES), "net_sales", "total_sales"))},
    count(*) filter (where total_sales is null) as too_large
from marts.daily_sales
where {_CHOSEN.format("date")}
""",
    ("daily_sales",),
    {"too_large": "daily_sales.total_sales"},
)
TENDERS: Final = Question(
    f"""
select
    coalesce(
        any_value(named.name),
        concat_ws(', ', days.payment_method, nullif(days.payment_provider, days.payment_method))
    ) as tender,
    sum(days.transactions)::bigint as transactions,
    sum(days.captured) as captured,
    sum(days.refunded) as refunded,
    sum(days.net) as net,
    days.tender_kind
from (from marts.daily_tenders where {_CHOSEN.format("date")}) as days
left join marts.dim_tenders as named using (tenant, payment_method, payment_provider)
group by days.payment_method, days.payment_provider, days.tender_kind
order by net desc, tender
""",
    ("daily_tenders",),
    {"tender": "dim_tenders.name"},
)
TAXES: Final = Question(
    f"""
select
    name,
    country_code,
    sum(collected) as collected,
    sum(cancelled) as cancelled,
    sum(refunded) as refunded,
    sum(net) as net
from marts.daily_taxes
where {_CHOSEN.format("date")}
group by name, country_code
order by net desc, name, country_code
""",
    ("daily_taxes",),
)
GIFT_CARDS: Final = Question(
    f"""
select
    coalesce(sum(sold), 0) as sold,
    coalesce(sum(cancelled), 0) as cancelled,
    coalesce(sum(returned), 0) as returned,
    coalesce(sum(redeemed), 0) as redeemed,
    coalesce(sum(refunded_to), 0) as refunded_to,
    coalesce(sum(net_liability_change), 0) as net_liability_change
from marts.gift_cards
where {_CHOSEN.format("business_date")}
""",
    ("gift_cards",),
)
# An exchange is paid on the account of the original order, and an order that is not completed is captured later.
_ORDERS: Final = """
    select
        books.*,
        coalesce(orders.external_id, books.order_id) as order_number,
        orders.status,
        orders.business_date,
        case
            when orders.status = 'completed' and books.is_exchange is distinct from true then books.ordered_not_captured
        end as completed_not_captured
    from trust.order_reconciliation as books
    inner join marts.fct_orders as orders using (tenant, order_id)
    where
        books.tenant = $tenant
        and books.currency = $currency
        and orders.is_historical is distinct from true
        and orders.business_date between $first and $last
"""
_CHECKS: Final = (
    ("completed, not captured", "completed_not_captured > 0", "completed_not_captured"),
    ("completed, too much captured", "completed_not_captured < 0", "completed_not_captured"),
    ("returned, not refunded", "returned_not_refunded > 0", "returned_not_refunded"),
    ("refunded beyond returns", "returned_not_refunded < 0", "returned_not_refunded"),
    ("asked for, not refunded", "requested_not_refunded > 0", "requested_not_refunded"),
    ("refunded, not asked for", "requested_not_refunded < 0", "requested_not_refunded"),
)
CHECKS: Final = Question(
    f"with books as ({_ORDERS})\n"
    + "union all by name".join(
        f"""
select '{name}' as what, count(*) as orders, coalesce(sum({amount}), 0) as amount
from books
where {condition}
"""
        for name, condition, amount in _CHECKS
    ),
    (),
    {
        "what": "order_reconciliation.ordered_not_captured, order_reconciliation.returned_not_refunded "
        "or order_reconciliation.requested_not_refunded",
        "orders": "order_reconciliation.order_id",
        "amount": "order_reconciliation.ordered_not_captured, order_reconciliation.returned_not_refunded "
        "or order_reconciliation.requested_not_refunded",
    },
)
DIFFERENCES: Final = Question(
    f"""
select
    order_number,
    business_date,
    status,
    ordered,
    cancelled,
    captured,
    refunded,
    returned,
    completed_not_captured as ordered_not_captured,
    returned_not_refunded,
    requested_not_refunded
from ({_ORDERS})
where
    completed_not_captured != 0
    or returned_not_refunded != 0
    or requested_not_refunded != 0
order by
    greatest(
        abs(coalesce(completed_not_captured, 0)), abs(coalesce(returned_not_refunded, 0)),
        abs(coalesce(requested_not_refunded, 0))
    ) desc,
    order_id
limit 100
""",
    ("order_reconciliation", "fct_orders"),
    {"order_number": "fct_orders.external_id"},
)
WAITING: Final = Question(
    """
select count(*) as orders
from (
    select distinct parent_id
    from trust.missing_parents
    where tenant = $tenant and parent = 'order'
)
""",
    (),
    {"orders": "missing_parents.parent"},
)
