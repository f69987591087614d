"""What sells and what does not, and where stock runs out."""

import streamlit as st

from warehouse.serving.dashboard import charts
from warehouse.serving.dashboard.choice import in_words
from warehouse.serving.dashboard.filters import ask
from warehouse.serving.dashboard.lake import answer, one
from warehouse.serving.dashboard.questions import merchandise as q
from warehouse.serving.dashboard.show import Figure, chart, figures, money, share, table


def show(version: int) -> None:
    """Sales of the days chosen, stock as of the newest day of the data."""
    choice = ask(version, "currency", "locations", "categories")
    total, as_of = one(version, q.TOTAL.sql, choice), one(version, q.AS_OF.sql, choice)["as_of"]
    cover = total["weeks_of_cover"]
    st.markdown(f"#### {choice.span}" + (f", stock as of {in_words(as_of)}" if as_of else ""))
    figures(
        Figure("Units", f"{total['units']:,}", q.TOTAL.meaning("units")),
        Figure(f"Net sales ({choice.currency})", money(total["net_sales"]), q.TOTAL.meaning("net_sales")),
        Figure("Units on hand", f"{total['on_hand']:,}", q.TOTAL.meaning("on_hand")),
        Figure("Sell-through", share(total["sell_through"]), q.TOTAL.meaning("sell_through")),
        Figure("Weeks of cover", "none" if cover is None else f"{cover:,.1f}", q.TOTAL.meaning("weeks_of_cover")),
        Figure(
            "Out of stock",
            share(total["out_of_stock"]),
            q.TOTAL.meaning("out_of_stock"),
            note="Of the products at locations, those with nothing on hand or less.",
        ),
    )
    currency = choice.currency
    if not answer(version, q.NAMED.sql, choice).num_rows:
        st.caption(
            "Products show their numbers: names, categories and costs are reference data. "
            "`warehouse reference template products` writes a file to fill in."
        )
    else:
        categories = answer(version, q.BY_CATEGORY.sql, choice)
        left, right = st.columns([2, 3], gap="large")
        with left:
            drawn = charts.bars_by_name(categories, "category", "net_sales", f"net sales ({currency})")
            chart("Net sales by category", drawn, categories)
        with right:
            table("Categories", q.BY_CATEGORY, categories, currency)
    table("Best sellers", q.BEST, answer(version, q.BEST.sql, choice), currency)
    table(
        "Worst sellers: on hand, and sold least",
        q.WORST,
        answer(version, q.WORST.sql, choice),
        currency,
        "Nothing is on hand.",
    )
    table("Out of stock", q.OUT_OF_STOCK, answer(version, q.OUT_OF_STOCK.sql, choice), empty="Nothing is out of stock.")
    table(
        "Running out: fewest weeks of cover",
        q.RUNNING_OUT,
        answer(version, q.RUNNING_OUT.sql, choice),
        empty="Nothing was sold from stock in the last 28 days.",
    )
