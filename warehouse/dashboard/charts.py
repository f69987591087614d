"""The charts of the dashboard: every axis says what it shows and in which unit."""

from typing import Final

import altair as alt
import pyarrow as pa

COLOURS: Final = ["#2a6f97", "#e07a5f", "#81b29a", "#f2cc8f", "#7b5ea7", "#8d99ae", "#3d405b"]
BECAME: Final = {"events": "#2a6f97", "duplicates": "#f2cc8f", "quarantined": "#e07a5f"}
HEIGHT: Final = 300


def bars_by_day(table: pa.Table, value: str, title: str, colour: str, colour_title: str) -> alt.Chart:
    """A stack a day, one colour for each `colour`."""
    drawn: alt.Chart = (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X("date:T", title="day (UTC)", axis=alt.Axis(format="%d %b", labelAngle=0, tickCount=10)),
            y=alt.Y(f"sum({value}):Q", title=title),
            color=_colour(colour, colour_title),
            tooltip=[
                alt.Tooltip("date:T", title="day", format="%A, %d %B %Y"),
                alt.Tooltip(f"{colour}:N", title=colour_title),
                alt.Tooltip(f"sum({value}):Q", title=title, format=",.2f"),
            ],
        )
        .properties(height=HEIGHT)
    )
    return drawn


def one_bar_a_day(table: pa.Table, value: str, title: str) -> alt.Chart:
    """A bar a day of one value."""
    drawn: alt.Chart = (
        alt.Chart(table)
        .mark_bar(color=COLOURS[1])
        .encode(
            x=alt.X("date:T", title="day (UTC)", axis=alt.Axis(format="%d %b", labelAngle=0, tickCount=10)),
            y=alt.Y(f"{value}:Q", title=title),
            tooltip=[
                alt.Tooltip("date:T", title="day", format="%A, %d %B %Y"),
                alt.Tooltip(f"{value}:Q", title=title, format=",.2f"),
            ],
        )
        .properties(height=HEIGHT)
    )
    return drawn


def hours_by_day(table: pa.Table) -> alt.LayerChart | alt.FacetChart:
    """The median as a line, and the way up to the ninth tenth as a band."""
    x = alt.X("date:T", title="day the order was placed (UTC)", axis=alt.Axis(format="%d %b", labelAngle=0))
    base = alt.Chart(table)
    band = base.mark_area(opacity=0.25, color=COLOURS[0]).encode(
        x=x, y=alt.Y("median:Q", title="hours from placed to completed"), y2="p90:Q"
    )
    line = base.mark_line(color=COLOURS[0], point=True).encode(
        x=x,
        y="median:Q",
        tooltip=[
            alt.Tooltip("date:T", title="day", format="%A, %d %B %Y"),
            alt.Tooltip("median:Q", title="half within (hours)", format=",.1f"),
            alt.Tooltip("p90:Q", title="nine in ten within (hours)", format=",.1f"),
        ],
    )
    return alt.layer(band, line).properties(height=HEIGHT)


def bars_by_name(
    table: pa.Table, name: str, value: str, title: str, colour: str | None = None, colour_title: str = ""
) -> alt.Chart:
    """A bar for each name, the longest on top."""
    chart = alt.Chart(table).mark_bar(color=COLOURS[0])
    encoded = chart.encode(
        x=alt.X(f"sum({value}):Q", title=title),
        y=alt.Y(f"{name}:N", title=None, sort="-x"),
        tooltip=[alt.Tooltip(f"{name}:N"), alt.Tooltip(f"sum({value}):Q", title=title, format=",")],
    )
    if colour is not None:
        encoded = encoded.encode(color=_colour(colour, colour_title))
    drawn: alt.Chart = encoded.properties(height=HEIGHT)
    return drawn


def bars_by_hour(table: pa.Table) -> alt.Chart:
    """What was received in each hour, and what became of it."""
    drawn: alt.Chart = (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X("yearmonthdatehours(hour):T", title="hour received (UTC)"),
            y=alt.Y("sum(deliveries):Q", title="deliveries"),
            color=alt.Color(
                "kind:N",
                title="became",
                scale=alt.Scale(domain=list(BECAME), range=list(BECAME.values())),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                alt.Tooltip("hour:T", title="hour", format="%d %B %Y, %H:00"),
                alt.Tooltip("kind:N", title="became"),
                alt.Tooltip("sum(deliveries):Q", title="deliveries", format=","),
            ],
        )
        .properties(height=HEIGHT)
    )
    return drawn


def _colour(field: str, title: str) -> alt.Color:
    return alt.Color(
        f"{field}:N", title=title, scale=alt.Scale(range=COLOURS), legend=alt.Legend(orient="top", columns=4)
    )
