"""Whether to believe the other pages."""

import streamlit as st

from warehouse.serving.dashboard import charts
from warehouse.serving.dashboard.lake import answer, one
from warehouse.serving.dashboard.questions import trust as q
from warehouse.serving.dashboard.show import Figure, chart, figures, table


def show(version: int) -> None:
    """All that was received, of every tenant: what cannot be read names none."""
    total, late = one(version, q.DELIVERIES.sql), one(version, q.LATE.sql)
    count, meaning = total["deliveries"] or 1, q.DELIVERIES.meaning
    late_share = f"{late['late'] / late['judged']:.1%}" if late["judged"] else "none to judge"
    figures(
        Figure("Deliveries", f"{total['deliveries']:,}", meaning("deliveries")),
        Figure("Events", f"{total['events']:,}", meaning("events")),
        Figure("Duplicates", f"{total['duplicates'] / count:.1%}", meaning("duplicates")),
        Figure("Not understood", f"{total['quarantined']:,}", meaning("quarantined")),
        Figure("Over 15 minutes late", late_share, q.LATE.meaning("late")),
    )
    if late["older"]:
        st.caption(
            f"{late['older']:,} deliveries were published before the first one was received here: a replay or a file, "
            "as late as they are old. Only what was published since is judged."
        )
    hours = answer(version, q.DELIVERIES_BY_HOUR.sql)
    chart("What was received, and what became of it", charts.bars_by_moment(hours), hours)
    for title, question in (
        ("Waiting for something that has not come", q.WAITING),
        ("Fields that are not as the contract says", q.DRIFT),
        ("Keys with more than one payload", q.CONFLICTS),
        ("Not understood", q.PROBLEMS),
    ):
        rows = answer(version, question.sql)
        with st.expander(f"{title}: {rows.num_rows:,}"):
            table(title, question, rows, empty="None.")
