"""Whether to believe the other pages. What cannot be read names no tenant, so this is about all of them."""

from typing import Final

from warehouse.serving.dashboard.question import Question

DELIVERIES: Final = Question(
    """
select
    coalesce(sum(deliveries), 0)::bigint as deliveries,
    coalesce(sum(events), 0)::bigint as events,
    coalesce(sum(duplicates), 0)::bigint as duplicates,
    coalesce(sum(quarantined), 0)::bigint as quarantined
from trust.deliveries
""",
    ("deliveries",),
)
# Late is what was published while there was somebody to receive it. What is older came with a replay or the first start
# of the stream; it is as late as it is old. A later delivery of what had come before is no late event either.
LATE: Final = Question(
    """
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
""",
    (),
    {
        "judged": "deliveries.events",
        "older": "deliveries.events",
        "late": "deliveries.late_share",
    },
)
DELIVERIES_BY_HOUR: Final = Question(
    """
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
""",
    ("deliveries",),
    {
        "moment": "deliveries.hour",
        "became": "deliveries.events + deliveries.duplicates + deliveries.quarantined",
    },
)
WAITING: Final = Question(
    """
select parent as waits_for, event_name, count(*) as parents, sum(events)::bigint as events
from trust.missing_parents
group by all
order by events desc, waits_for, event_name
""",
    ("missing_parents",),
    {
        "waits_for": "missing_parents.parent",
        "parents": "missing_parents.parent_id",
    },
)
DRIFT: Final = Question(
    """
select event_name, path, drift, expected_type, seen_type, deliveries
from trust.contract_drift
order by deliveries desc, event_name, path, drift, expected_type, seen_type
""",
    ("contract_drift",),
)
CONFLICTS: Final = Question(
    """
select event_name, key_source, count(*) as keys, max(variants) as most_variants
from trust.event_conflicts
group by all
order by all
""",
    ("event_conflicts",),
    {
        "keys": "event_conflicts.idempotency_key",
        "most_variants": "event_conflicts.variants",
    },
)
PROBLEMS: Final = Question(
    """
select problem, count(*) as deliveries from trust.quarantined_events group by problem order by deliveries desc, problem
""",
    ("quarantined_events", "deliveries"),
)
