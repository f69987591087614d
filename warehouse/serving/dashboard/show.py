"""How figures, tables and charts stand on a page: each with its meaning a hover away, and its rows to take along."""

from decimal import Decimal
from typing import Any, Final, NamedTuple

import pyarrow as pa
import streamlit as st

from warehouse.serving.dashboard import charts
from warehouse.serving.dashboard.csv_file import as_csv
from warehouse.serving.dashboard.definitions import define
from warehouse.serving.dashboard.question import Question

NOTHING: Final = "Nothing on these days with these filters."
NO_CHANGE: Final = "+0.0%"
# Ratios, among the numbers with a fraction that are no money.
SHARES: Final = ("change", "sell_through", "out_of_stock", "share")


class Figure(NamedTuple):
    """A value under its name, with what it means, and how much it is more or less than before."""

    name: str
    value: str
    meaning: str
    change: str | None = None
    note: str = ""


def figures(*shown: Figure) -> None:
    """Figures side by side; where there is no room for all, in several rows."""
    with st.container(horizontal=True):
        for each in shown:
            st.metric(
                each.name,
                each.value,
                each.change,
                border=True,
                width="stretch",
                height="stretch",
                delta_color="off" if each.change == NO_CHANGE else "normal",
                delta_arrow="off" if each.change == NO_CHANGE else "auto",
                help="\n\n".join(filter(None, (each.note, define(each.meaning)))),
            )


def heading(title: str, rows: pa.Table, key: str = "") -> None:
    """A title, with the rows below it as a file beside it."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"##### {title}", width="content")
        if rows.num_rows:
            name = "".join(letter if letter.isalnum() else "-" for letter in title.lower()).strip("-")
            st.download_button(
                "CSV",
                as_csv(rows),
                f"{name}.csv",
                "text/csv",
                key=f"csv-{key or title}",
                type="tertiary",
                on_click="ignore",
                help=f"Save these {rows.num_rows:,} rows as a CSV file.",
            )


def table(title: str, question: Question, rows: pa.Table, currency: str = "", empty: str = NOTHING) -> None:
    """Rows under the names of their columns; decimals are money of that currency, which the title names."""
    heading(f"{title} ({currency})" if currency else title, rows)
    if not rows.num_rows:
        st.info(empty)
        return
    config = {field.name: _column(question, field) for field in rows.schema}
    st.dataframe(charts.without_decimals(rows), hide_index=True, width="stretch", column_config=config, placeholder="")


def chart(title: str, drawn: charts.Drawn, rows: pa.Table, empty: str = NOTHING) -> None:
    """A chart under its title, or a word that there is nothing to draw."""
    heading(title, rows)
    if rows.num_rows:
        st.altair_chart(drawn, width="stretch")
    else:
        st.info(empty)


def money(amount: Decimal) -> str:
    """An amount to the cent."""
    return f"{amount:,.2f}"


def share(ratio: float | Decimal | None) -> str:
    """A ratio in percent."""
    return "none" if ratio is None else f"{ratio:.1%}"


def change(value: Any, before: Any) -> str | None:
    """How much more or less than before, in percent; None where there was nothing before."""
    return f"{float(value) / float(before) - 1:+.1%}" if before else None


def _column(question: Question, field: "pa.Field[Any]") -> Any:
    title = field.name.replace("_", " ")
    meaning = question.meaning(field.name)
    help_ = define(meaning) if meaning else None
    if pa.types.is_decimal(field.type):
        return st.column_config.NumberColumn(title, format="accounting", help=help_)
    if pa.types.is_floating(field.type):
        form = "percent" if field.name in SHARES else "%.1f"
        return st.column_config.NumberColumn(title, format=form, help=help_)
    if pa.types.is_integer(field.type):
        return st.column_config.NumberColumn(title, format="localized", help=help_)
    return st.column_config.Column(title, help=help_)
