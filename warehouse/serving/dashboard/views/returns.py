"""What came back, why, and what it cost: promised, asked for and paid are three figures."""

from decimal import Decimal

import streamlit as st

from warehouse.serving.dashboard import charts
from warehouse.serving.dashboard.choice import Choice
from warehouse.serving.dashboard.filters import ask
from warehouse.serving.dashboard.lake import answer, one
from warehouse.serving.dashboard.questions import returns as q
from warehouse.serving.dashboard.show import Figure, chart, figures, money


def show(version: int) -> None:
    """Money moves at no location: with one chosen, only what returns promise is shown."""
    choice = ask(version, "currency", "channels", "locations")
    total, paid = one(version, q.RETURNS.sql, choice), one(version, q.REFUNDED.sql, choice)
    currency, meaning = choice.currency, q.RETURNS.meaning
    figures(
        Figure("Returns", f"{total['returns']:,}", meaning("returns")),
        Figure("Units back", f"{total['units']:,}", meaning("units")),
        Figure("Without an order", f"{total['blind']:,}", meaning("blind")),
        Figure(f"Refunds promised ({currency})", money(total["refunds"]), meaning("refunds")),
        Figure(
            f"Requested ({currency})",
            _anywhere(choice, paid["refunds_requested"]),
            q.REFUNDED.meaning("refunds_requested"),
        ),
        Figure(f"Money moved ({currency})", _anywhere(choice, paid["refunded"]), q.REFUNDED.meaning("refunded")),
    )
    st.caption(
        "A return promises a refund; somebody asks for it, also to appease without a return; the money moves later, or "
        "pays for an exchange. The three are never added. Money moves at no location: with one chosen, only what "
        "returns promise is shown."
    )
    left, right = st.columns(2, gap="large")
    with left:
        days = answer(version, q.REFUNDS_BY_DAY.sql, choice)
        chart(f"Refunds by {choice.unit}", charts.refunds_by_day(days, currency, choice.unit), days)
    with right:
        reasons = answer(version, q.RETURN_REASONS.sql, choice)
        chart("Why units came back", charts.bars_by_name(reasons, "reason", "units", "units returned"), reasons)


def _anywhere(choice: Choice, amount: Decimal) -> str:
    return "not by location" if choice.locations else money(amount)
