"""The charts of the dashboard: every axis says what it shows and in which unit, and every time is UTC with its year.

They are drawn as SVG, on no background of their own, in colours that stand out on a light and a dark page alike.
"""

from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.serving.dashboard.palette import BLUE, BROWN, OLIVE, ORANGE, PALETTE, VIOLET
from warehouse.serving.dashboard.questions import MOVED, PROMISED

MOVEMENTS: Final = dict(zip(("fulfilled", "received", "transferred", "returned", "adjusted"), PALETTE, strict=False))
STATUSES: Final = {
    "completed": BLUE,
    "ready": OLIVE,
    "assigned": ORANGE,
    "failed": VIOLET,
    "unknown": BROWN,
}
BECAME: Final = {"events": BLUE, "duplicates": ORANGE, "not understood": VIOLET}
REFUNDS: Final = {PROMISED: BLUE, MOVED: ORANGE}
HEIGHT_PIXELS: Final = 300
ROW_HEIGHT_PIXELS: Final = 26
LABELS: Final = 7
NUMBER: Final = ",.2~f"
# Ids of locations may be UUIDs: their beginning tells them apart, and the whole is shown where one points.
SHORT_NAME: Final = "length(datum.label) > 16 ? slice(datum.label, 0, 8) + '…' : datum.label"
# The widths of bars in pixels: many are thin, and one alone is no wall.
WIDTHS: Final = (3, 22)

Drawn: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart


def bars_by_day(table: pa.Table, value: str, title: str, unit: str, colour: str, colours: dict[str, str]) -> Drawn:
    """A stack for each `unit`, day or week, one colour for each `colour`."""
    table = _dated(table, "date", "%d %B %Y")
    return _finished(
        alt.Chart(table)
        .mark_bar(size=_width(table, "date"))
        .encode(
            x=_days(table, "date", _of(unit)),
            y=alt.Y(f"{value}:Q", title=title, axis=alt.Axis(format=NUMBER)),
            color=_named(colours, colour),
            tooltip=["shown_date:N", f"{colour}:N", alt.Tooltip(f"{value}:Q", title=title, format=NUMBER)],
        )
    )


def in_order(table: pa.Table, name: str, place: str) -> dict[str, str]:
    """A colour for each name, in the order of their places."""
    places: dict[Any, Any] = dict(zip(table[name].to_pylist(), table[place].to_pylist(), strict=True))
    return dict(zip(sorted(places, key=lambda each: (places[each], each)), PALETTE, strict=False))


def refunds_by_day(table: pa.Table, title: str, unit: str) -> Drawn:
    """What returns promise and the money that moved, beside each other: they are never added."""
    table = _dated(table, "date", "%d %B %Y")
    return _finished(
        alt.Chart(table)
        .mark_line(point=True)
        .encode(
            x=_days(table, "date", _of(unit)),
            y=alt.Y("amount:Q", title=title, axis=alt.Axis(format=NUMBER)),
            color=_named(REFUNDS, "what"),
            tooltip=["shown_date:N", "what:N", alt.Tooltip("amount:Q", title=title, format=",.2f")],
        )
    )


def hours_by_day(table: pa.Table, unit: str) -> Drawn:
    """The median as a line, and the way up to the ninth tenth as a band."""
    table = _dated(table, "date", "%d %B %Y")
    base = alt.Chart(table)
    x = _days(table, "date", f"placed, {_of(unit)}")
    y = alt.Y("median:Q", title="hours from placed to shipped", axis=alt.Axis(format=NUMBER))
    band = base.mark_area(opacity=0.25, color=BLUE).encode(x=x, y=y, y2="p90:Q")
    line = base.mark_line(color=BLUE, point={"color": BLUE}).encode(
        x=x,
        y=y,
        tooltip=[
            "shown_date:N",
            alt.Tooltip("orders:Q", title="orders", format=","),
            alt.Tooltip("median:Q", title="half within (hours)", format=",.1f"),
            alt.Tooltip("p90:Q", title="nine in ten within (hours)", format=",.1f"),
        ],
    )
    return _finished(alt.layer(band, line))


def bars_by_name(
    table: pa.Table, name: str, value: str, title: str, colour: str = "", colours: dict[str, str] | None = None
) -> Drawn:
    """A bar for each name with the name beside it, the longest on top."""
    names = pc.count_distinct(table[name]).as_py()
    encoded = (
        alt.Chart(table)
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X(f"sum({value}):Q", title=title, axis=alt.Axis(format=NUMBER, tickMinStep=1)),
            y=alt.Y(f"{name}:N", title=None, sort="-x", axis=alt.Axis(labelOverlap=False, labelExpr=SHORT_NAME)),
            tooltip=[f"{name}:N", alt.Tooltip(f"sum({value}):Q", title=title, format=",")],
        )
    )
    if colours is not None:
        encoded = encoded.encode(color=_named(colours, colour))
    return _finished(encoded, ROW_HEIGHT_PIXELS * max(names, 2) + (110 if colours else 50))


def bars_by_moment(table: pa.Table) -> Drawn:
    """What was received in each hour, or each day of a longer time, and what became of it."""
    table = _dated(table, "moment", "%d %B %Y, %H:%M")
    return _finished(
        alt.Chart(table)
        .mark_bar(size=_width(table, "moment"))
        .encode(
            x=_days(table, "moment", "received (UTC)", "%d %b %Y %H:%M"),
            y=alt.Y("deliveries:Q", title="deliveries", axis=alt.Axis(format=NUMBER)),
            color=_named(BECAME, "became"),
            tooltip=["shown_date:N", "became:N", alt.Tooltip("deliveries:Q", format=",")],
        )
    )


def _days(table: pa.Table, field: str, title: str, form: str = "%d %b %Y") -> alt.X:
    """A time axis in UTC, wherever the browser is, with some of the table's own days or hours at it."""
    moments = sorted(set(_moments(table, field)))
    shown = [
        alt.DateTime(year=each.year, month=each.month, date=each.day, hours=each.hour, utc=True)
        for each in moments[:: -(-len(moments) // LABELS) or 1]
    ]
    axis = alt.Axis(format=form, labelAngle=0, values=shown, labelOverlap="greedy", labelSeparation=12, labelFlush=True)
    return alt.X(f"{field}:T", title=title, scale=alt.Scale(type="utc"), axis=axis)


def _of(unit: str) -> str:
    return "day (UTC)" if unit == "day" else f"{unit} from its Monday (UTC)"


def _width(table: pa.Table, column: str) -> int:
    """Of a bar, so that all of them have room on a phone."""
    thinnest, widest = WIDTHS
    return max(thinnest, min(widest, 220 // max(1, pc.count_distinct(table[column]).as_py())))


def _dated(table: pa.Table, column: str, form: str) -> pa.Table:
    """With a column that says the date in words: in what shows where one points, browsers know no other zone."""
    return table.append_column(
        "shown_date", pa.array([each.strftime(form) for each in _moments(table, column)], "string")
    )


def _moments(table: pa.Table, column: str) -> list[datetime]:
    """A column of dates or times, in UTC."""
    values: list[Any] = table[column].to_pylist()
    return [datetime(each.year, each.month, each.day, getattr(each, "hour", 0), tzinfo=UTC) for each in values]


def _named(colours: dict[str, str], field: str) -> alt.Color:
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    legend = alt.Legend(orient="top", columns=3, symbolOpacity=1, labelLimit=220)
    return alt.Color(f"{field}:N", title=None, scale=scale, legend=legend)


def _finished(drawn: Drawn, height: int = HEIGHT_PIXELS) -> Drawn:
    finished: Drawn = drawn.properties(height=height, usermeta={"embedOptions": {"renderer": "svg"}})
    return finished
