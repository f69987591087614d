"""Figures: a median over rounds with the least and the greatest, and what it had to reach."""

import math
from statistics import median
from typing import Literal

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """What all rounds measured of one thing."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.samples) if self.samples else math.nan

    def text(self, digits: int) -> str:
        """`18,200 (17,900-18,800)`."""
        if not self.samples:
            return "not measured"
        spread = f"{min(self.samples):,.{digits}f}-{max(self.samples):,.{digits}f}"
        return f"{self.median:,.{digits}f} ({spread})"


class Row(msgspec.Struct, frozen=True):
    """One line of the table: a figure, the target where there is one, and whether the median reached it."""

    name: str
    figure: Figure
    unit: str = ""
    digits: int = 2
    sense: Literal["at least", "at most", ""] = ""
    target: float = math.nan

    @property
    def met(self) -> bool | None:
        if not self.sense or not self.figure.samples:
            return None
        return self.figure.median >= self.target if self.sense == "at least" else self.figure.median <= self.target

    def cells(self) -> tuple[str, str, str, str]:
        wanted = f"{self.sense} {self.target:,g}" if self.sense else ""
        verdict = {True: "yes", False: "no", None: ""}[self.met]
        return self.name, f"{self.figure.text(self.digits)} {self.unit}".strip(), wanted, verdict


class Table(msgspec.Struct, frozen=True):
    """Rows under a heading."""

    title: str
    rows: tuple[Row, ...]
