"""What the books say lies where: units by location and product, what came and went by day, and what counts found.

Days are counted from 1970, each in the zone of its location.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from warehouse.simulator import clock
from warehouse.simulator.clock import DAY
from warehouse.simulator.reference import Reference

MAIN: Final = "main"
SOLD_DAYS: Final = 28
EMPTY_DAYS: Final = 90
WEEK: Final = 7


class Shelf(msgspec.Struct):
    """A product at a location: what the last complete count found, and what moved after it."""

    # All that ever moved, and what has to be added since a count.
    moved: int = 0
    base: int = 0
    parts: dict[str, int] = {}
    # Of each day on which something happened, what there was at its end.
    levels: dict[int, int] = {}
    sold: dict[int, int] = {}
    received: int = 0
    first_received: int | None = None
    last_received: int | None = None

    @property
    def on_hand(self) -> int:
        """Units that should be there."""
        return self.base + self.moved

    def move(self, day: int, units: int) -> None:
        """Book units that came (above zero) or went, of the main part."""
        self.moved += units
        self.parts[MAIN] = self.parts.get(MAIN, 0) + units
        self.levels[day] = self.on_hand

    def receive(self, day: int, units: int) -> None:
        """Book units received."""
        self.move(day, units)
        self.received += units
        self.first_received = day if self.first_received is None else min(day, self.first_received)
        self.last_received = day if self.last_received is None else max(day, self.last_received)

    def fulfil(self, day: int) -> None:
        """Book a unit that left for a customer."""
        self.move(day, -1)
        self.sold[day] = self.sold.get(day, 0) + 1

    def set_apart(self, day: int, origin: str, destination: str | None) -> None:
        """Book a unit that goes to another part of the stock, or is gone."""
        self.parts[origin] = self.parts.get(origin, 0) - 1
        if destination is None:
            self.moved -= 1
        else:
            self.parts[destination] = self.parts.get(destination, 0) + 1
        self.levels[day] = self.on_hand

    def count(self, day: int, found: int, moved_then: int) -> None:
        """Book what a count found when so much had moved; it says nothing of other parts than the main one."""
        self.base = found - moved_then
        self.parts[MAIN] = self.on_hand
        self.levels[day] = self.on_hand

    def position(self, as_of: int) -> dict[str, object]:
        """How the product stands here as of a day, but for its value."""
        sold_28d = sum(units for day, units in self.sold.items() if as_of - SOLD_DAYS < day <= as_of)
        sold_since = sum(
            units for day, units in self.sold.items() if self.first_received is not None and day >= self.first_received
        )
        cover = self.on_hand * SOLD_DAYS / (sold_28d * WEEK) if sold_28d and self.on_hand >= 0 else None
        return {
            "on_hand": self.on_hand,
            "sold_28d": sold_28d,
            "weeks_of_cover": cover,
            "sell_through": sold_since / self.received if self.received else None,
            "first_received_on": _date(self.first_received),
            "last_received_on": _date(self.last_received),
            "last_sold_on": _date(max(self.sold, default=None)),
            "days_out_of_stock_90d": self._empty_days(as_of),
            "is_negative": self.on_hand < 0,
            "as_of": _date(as_of),
        }

    def _empty_days(self, as_of: int) -> int:
        days = sorted(self.levels)
        ends = [*days[1:], as_of + 1]
        return sum(
            max(0, min(end, as_of + 1) - max(day, as_of + 1 - EMPTY_DAYS))
            for day, end in zip(days, ends, strict=True)
            if self.levels[day] <= 0
        )


class CountedTruth(msgspec.Struct, frozen=True):
    """A product of a complete count: units by our books before and after it, by NewStore's, and on the shelf."""

    location_id: str
    day: int
    expected_at_start: int
    expected_at_completion: int
    stock_on_hand: int
    counted: int

    def to_builtins(self) -> dict[str, object]:
        """As values of JSON, with the differences."""
        return {
            "location_id": self.location_id,
            "date": _date(self.day),
            "expected_at_start": self.expected_at_start,
            "expected_at_completion": self.expected_at_completion,
            "stock_on_hand": self.stock_on_hand,
            "counted": self.counted,
            "moved_during_count": self.expected_at_completion - self.expected_at_start,
            "counted_variance": self.counted - self.expected_at_completion,
            "book_difference": self.expected_at_completion - self.stock_on_hand,
        }


def position_rows(shelves: Mapping[tuple[str, str], Shelf], reference: Reference) -> list[dict[str, object]]:
    """How each product stands at each location as of the newest day on which anything happened to stock."""
    as_of = max((max(page.levels, default=0) for page in shelves.values()), default=0)
    rows = []
    for (location, product), page in sorted(shelves.items()):
        known = reference.unit_costs.get(product)
        value = None if known is None else str(page.on_hand * Decimal(known["unit_cost"]))
        rows.append(
            {
                "location_id": location,
                "product_id": product,
                **page.position(as_of),
                "stock_value": value,
                "currency": known and known["cost_currency"],
            }
        )
    return rows


def _date(day: int | None) -> str | None:
    return None if day is None else clock.date_text(day * DAY)
