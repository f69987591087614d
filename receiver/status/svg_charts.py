"""Small charts of the last hour as SVG: no script, no font, no colour of their own: the style sheet has those."""

import math
from collections.abc import Sequence
from html import escape
from typing import Final

WIDTH: Final = 600
HEIGHT: Final = 170
LEFT: Final = 64
BOTTOM: Final = 26
TOP: Final = 16
PLOT: Final = HEIGHT - TOP - BOTTOM
TICKS: Final = (
    (0.01, "10 ms"),
    (0.1, "0.1 s"),
    (1.0, "1 s"),
    (10.0, "10 s"),
    (60.0, "1 min"),
    (600.0, "10 min"),
    (3600.0, "1 h"),
    (86400.0, "1 day"),
    (864000.0, "10 days"),
    (31_536_000.0, "1 year"),
    (315_360_000.0, "10 years"),
)


def bars(title: str, unit: str, series: Sequence[tuple[str, Sequence[float | None]]]) -> str:
    """Bars stacked by series (class name and a value a minute, None where nothing was measured), from 0 up."""
    sums = [sum(values) for values in zip(*([v or 0 for v in values] for _, values in series), strict=True)]
    top = _nice(max(sums, default=0))
    step = (WIDTH - LEFT) / max(len(sums), 1)
    parts = []
    heights = [0.0] * len(sums)
    for name, values in series:
        for index, value in enumerate(values):
            if value:
                # A single refusal among thousands is to be seen.
                height = max(PLOT * value / top, 2.0)
                heights[index] += height
                parts.append(
                    f'<rect class="{name}" x="{LEFT + index * step + 0.8:.1f}" y="{TOP + PLOT - heights[index]:.1f}" '
                    f'width="{step - 1.6:.1f}" height="{height:.1f}"/>'
                )
    gaps = _gaps([values[1] for values in series][:1], step)
    scale = [(TOP, _number(top)), (TOP + PLOT / 2, _number(top / 2)), (TOP + PLOT, "0")]
    return _svg(title, unit, [*gaps, *_grid(scale), *parts])


def lines(title: str, unit: str, series: Sequence[tuple[str, Sequence[float | None]]], high: float) -> str:
    """Lines of seconds over a logarithmic scale from 10 ms to at least `high`, broken where nothing was measured."""
    known = [value for _, values in series for value in values if value is not None]
    top = next((tick for tick, _ in TICKS if tick >= max([*known, high])), TICKS[-1][0])
    low, reach = TICKS[0][0], math.log10(top / TICKS[0][0])
    count = max((len(values) for _, values in series), default=0)
    step = (WIDTH - LEFT) / max(count, 1)

    def place(value: float) -> float:
        return TOP + PLOT * (1 - min(math.log10(max(value, low) / low) / reach, 1.0))

    parts = []
    for name, values in series:
        for run in _runs(values):
            points = [(LEFT + (index + 0.5) * step, place(value)) for index, value in run]
            if len(points) == 1:
                parts.append(f'<circle class="{name}" cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="2"/>')
            else:
                path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
                parts.append(f'<polyline class="{name}" points="{path}"/>')
    shown = [tick for tick in TICKS if tick[0] <= top]
    every = math.ceil(len(shown) / 4)
    return _svg(title, unit, [*_grid([(place(value), text) for value, text in shown[::every]]), *parts])


def _svg(title: str, unit: str, parts: Sequence[str]) -> str:
    labels = [
        f'<text class="tick" x="{x}" y="{HEIGHT - 5}" text-anchor="{anchor}">{text}</text>'
        for x, anchor, text in (
            (LEFT, "start", "1 hour ago"),
            ((LEFT + WIDTH) / 2, "middle", "30 min ago"),
            (WIDTH, "end", "now"),
        )
    ]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}, {escape(unit)}">'
        f"<title>{escape(title)}, {escape(unit)}</title>{''.join([*parts, *labels])}</svg>"
    )


def _grid(scale: Sequence[tuple[float, str]]) -> list[str]:
    return [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
        for y, text in scale
    ]


def _gaps(measured: Sequence[Sequence[float | None]], step: float) -> list[str]:
    """Shade the minutes in which nothing was measured."""
    return [
        f'<rect class="gap" x="{LEFT + index * step:.1f}" y="{TOP}" width="{step:.1f}" height="{PLOT}"/>'
        for values in measured
        for index, value in enumerate(values)
        if value is None
    ]


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """The stretches without a None, each as index and value."""
    runs: list[list[tuple[int, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((index, value))
    return [run for run in runs if run]


def _nice(value: float) -> float:
    """The next of 2, 4, 10, 20, 40, 100, … that is not below `value`."""
    power = 10 ** math.floor(math.log10(max(value, 1)))
    return next(float(factor * power) for factor in (2, 4, 10) if factor * power >= value)


def _number(value: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
