"""The daily figures of the simulated retailer: counts and amounts in cents, added up in tables as things happen.

Where a figure belongs is known with the header of its order. What happens before waits for it, perhaps for good.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Final, NamedTuple, TypeAlias

from warehouse.simulator import clock
from warehouse.simulator.clock import DAY
from warehouse.simulator.money import decimal
from warehouse.simulator.reference import Reference

FOUR_PLACES: Final = Decimal("0.0001")
UNKNOWN: Final = "unknown"
NO_CURRENCY: Final = "XXX"

Key: TypeAlias = tuple[str | int | None, ...]
Page: TypeAlias = dict[str, int]


class Seller(NamedTuple):
    """Where an order was sold, as its header says: what its figures are booked by."""

    channel_type: str
    channel: str
    location_id: str | None
    currency: str
    associate_id: str | None
    is_historical: bool


@cache
def seller(
    channel_type: str,
    channel: str,
    location_id: str | None,
    currency: str,
    associate_id: str | None,
    *,
    is_historical: bool,
) -> Seller:
    """The one of these values."""
    return Seller(channel_type, channel, location_id, currency, associate_id, is_historical)


class Table(NamedTuple):
    """What a table's pages are found by, and what stands on them: counts, amounts in cents, and sums of amounts."""

    key: tuple[str, ...]
    counts: tuple[str, ...]
    amounts: tuple[str, ...]
    # Each of them by the amounts that are added, and those that are taken away.
    sums: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}


_NET_SALES: Final = ("gross_sales",), ("discounts", "included_tax")
_TOTAL_SALES: Final = (
    ("gross_sales", "gift_cards_sold", "charges", "shipping", "tax", "return_fees"),
    (
        *("discounts", "included_tax", "cancelled_sales", "cancelled_tax", "returned_sales", "refunded_tax"),
        "refunded_shipping",
    ),
)


TABLES: Final = {
    "daily_sales": Table(
        ("date", "channel_type", "channel", "currency"),
        ("orders", "units", "cancelled_units", "returns", "returned_units"),
        (
            *("gross_sales", "discounts", "included_tax", "gift_cards_sold", "charges", "shipping", "tax"),
            *("cancelled_sales", "cancelled_tax", "returned_sales", "refunded_tax", "refunded_shipping"),
            *("return_fees", "refunds"),
        ),
        {"net_sales": _NET_SALES, "total_sales": _TOTAL_SALES},
    ),
    "daily_store": Table(
        ("date", "location_id", "currency"),
        (
            *("sold_orders", "sold_units", "fulfilled_requests", "fulfilled_units", "pickup_requests"),
            *("rejected_units", "returns", "returned_units"),
        ),
        ("net_sales", "returned_sales"),
    ),
    "daily_hours": Table(
        ("date", "business_hour", "channel_type", "channel", "location_id", "currency"),
        ("orders", "units"),
        ("net_sales",),
    ),
    "daily_tenders": Table(
        ("date", "location_id", "payment_method", "payment_provider", "currency"),
        ("transactions",),
        ("captured", "refunded"),
        {"net": (("captured",), ("refunded",))},
    ),
    "daily_associates": Table(
        ("date", "associate_id", "location_id", "currency"), ("orders", "units"), ("net_sales", "returned_sales")
    ),
    "daily_taxes": Table(
        ("date", "location_id", "name", "country_code", "currency"),
        ("is_apportioned",),
        ("collected", "cancelled", "refunded"),
        {"net": (("collected",), ("cancelled", "refunded"))},
    ),
    "gift_cards": Table(
        ("business_date", "currency"),
        (),
        ("sold", "cancelled", "returned", "redeemed", "refunded_to"),
        {"net_liability_change": (("sold", "refunded_to"), ("cancelled", "returned", "redeemed"))},
    ),
}


class Figures:
    """The tables; days are counted from 1970."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[Key, Page]] = {name: {} for name in TABLES}
        self._sellers: dict[str, Seller] = {}
        self._waiting: dict[str, list[Callable[[Seller | None], None]]] = {}

    def book(self, name: str, key: Key, **numbers: int) -> None:
        """Add counts and amounts to a page."""
        table = self._tables[name]
        page = table.get(key)
        if page is None:
            page = table[key] = {}
        for column, number in numbers.items():
            page[column] = page.get(column, 0) + number

    def seller_of(self, order_id: str) -> Seller | None:
        """Who sold the order; None where no header has said."""
        return self._sellers.get(order_id)

    def know(self, order_id: str, sold_by: Seller) -> None:
        """The order's header is told: book all that waited for it."""
        self._sellers[order_id] = sold_by
        for book in self._waiting.pop(order_id, ()):
            book(sold_by)

    def when_known(self, order_id: str, book: Callable[[Seller | None], None]) -> None:
        """Book something by the order's seller, or once all is told without one."""
        sold_by = self._sellers.get(order_id)
        if sold_by is None:
            self._waiting.setdefault(order_id, []).append(book)
        else:
            book(sold_by)

    def close(self) -> None:
        """No header comes any more."""
        for books in self._waiting.values():
            for book in books:
                book(None)
        self._waiting.clear()

    def pages(self, name: str) -> Iterator[tuple[Key, Page]]:
        """The pages of a table in the order of their keys, each with all its columns."""
        _, counts, amounts, sums = TABLES[name]
        for key, page in sorted(self._tables[name].items(), key=lambda item: tuple(map(str, item[0]))):
            full = {column: page.get(column, 0) for column in (*counts, *amounts)}
            for column, (plus, minus) in sums.items():
                full[column] = sum(full[each] for each in plus) - sum(full[each] for each in minus)
            yield key, full

    def net_sales(self) -> dict[str, int]:
        """All that was sold, by currency."""
        sold: dict[str, int] = {}
        for (*_, currency), page in self.pages("daily_sales"):
            sold[str(currency)] = sold.get(str(currency), 0) + page["net_sales"]
        return sold

    def in_currency_of(self, name: str, columns: Sequence[str], reference: Reference) -> list[dict[str, object]]:
        """The rows of a table with some amounts in the retailer's currency too, where a rate of the day is known."""
        rows = self.rows(name)
        for row, (key, page) in zip(rows, self.pages(name), strict=True):
            rate = reference.rate(str(key[-1]), int(str(key[0])))
            row["reporting_currency"] = None if rate is None else reference.currency
            for column in columns:
                amount = None if rate is None else decimal(page[column]) * rate
                row[f"{column}_reporting"] = (
                    None if amount is None else str(amount.quantize(FOUR_PLACES, ROUND_HALF_UP))
                )
        return rows

    def rows(self, name: str) -> list[dict[str, object]]:
        """The pages of a table as values of JSON, amounts as text."""
        table = TABLES[name]
        return [
            dict(zip(table.key, _shown(table.key, key), strict=True))
            | page
            | {column: str(decimal(page[column])) for column in (*table.amounts, *table.sums)}
            for key, page in self.pages(name)
        ]


def _shown(columns: tuple[str, ...], key: Key) -> Iterator[object]:
    for column, part in zip(columns, key, strict=True):
        yield clock.date_text(part * DAY) if column in ("date", "business_date") and isinstance(part, int) else part
