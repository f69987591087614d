"""Sales by day and channel."""

from typing import Final

from warehouse.serving.dashboard.question import Question
from warehouse.serving.dashboard.questions.common import DAY

# So many colours can be told apart; what comes after the first of them is one.
COLOURS: Final = 6
OTHERS: Final = "all others"
_IN_SALES: Final = """
    tenant = $tenant
    and date between $first and $last
    and currency = $currency
    and (len($channels) = 0 or list_contains($channels, channel))
"""
SALES: Final = Question(
    f"""
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
""",
    ("daily_sales",),
)
SALES_BY_DAY: Final = Question(
    f"""
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
    {DAY} as date,
    case when least(ranked.channels, ranked.place + 1) <= {COLOURS} then ranked.channel else '{OTHERS}' end as channel,
    min(least(ranked.place, {COLOURS})) as place,
    sum(sales.net_sales)::double as net_sales
from marts.daily_sales as sales
inner join ranked using (channel)
where {_IN_SALES}
group by all
order by all
""",
    ("daily_sales",),
    {"place": "daily_sales.net_sales"},
)
SALES_BY_CHANNEL: Final = Question(
    f"""
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
""",
    ("daily_sales",),
)
