"""What each customer has bought and what promotions sold, added up as orders are told.

A customer is NewStore's id, a guest the hash of their address in small letters. Amounts are cents without tax.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from hashlib import sha256
from typing import TypeAlias

import msgspec

from warehouse.simulator import clock
from warehouse.simulator.clock import DAY
from warehouse.simulator.money import decimal

# When an order was placed (ms), and its id: the order of a customer's orders.
Placed: TypeAlias = tuple[int, str]


def customer_key(customer_id: str | None, email: str) -> str | None:
    """Whom an order's header names; None where it names nobody."""
    if customer_id is not None:
        return customer_id
    return f"guest-{sha256(email.lower().encode()).hexdigest()}" if email else None


class Spending(msgspec.Struct):
    """What a customer's orders in one currency came to."""

    orders: int = 0
    units: int = 0
    net_sales: int = 0
    cancelled_sales: int = 0
    returned_sales: int = 0
    first: Placed = (0, "")
    first_channel: str = ""
    first_day: int = 0
    last_day: int = 0

    @property
    def kept(self) -> int:
        """What they spent and did not get back."""
        return self.net_sales - self.cancelled_sales - self.returned_sales


class Promotion(msgspec.Struct):
    """What a promotion sold in one currency."""

    orders: int = 0
    units: int = 0
    gross_sales: int = 0
    price_adjustment: int = 0
    net_sales: int = 0
    first_used_on: int = 0
    last_used_on: int = 0


class Shoppers:
    """Spending by customer and currency, promotions by key and currency; days are counted from 1970."""

    def __init__(self) -> None:
        self.spending: dict[tuple[str, str], Spending] = {}
        self.promotions: dict[tuple[str, str], Promotion] = {}
        # The page of each order that names somebody.
        self.of_order: dict[str, Spending] = {}
        # Of each customer the first order, whether it is a sale, and the promotions on it.
        self._first: dict[str, tuple[Placed, bool, Collection[tuple[str, str]]]] = {}

    def ordered(
        self,
        key: str,
        currency: str,
        placed: Placed,
        day: int,
        channel: str,
        promotions: Collection[tuple[str, str]],
        *,
        is_sale: bool,
    ) -> Spending:
        """Note that a customer has ordered; gives their page for what it came to."""
        page = self.spending.get((key, currency))
        if page is None:
            page = self.spending[key, currency] = Spending(
                first=placed, first_channel=channel, first_day=day, last_day=day
            )
        page.orders += 1
        if placed < page.first:
            page.first, page.first_channel, page.first_day = placed, channel, day
        page.last_day = max(page.last_day, day)
        known = self._first.get(key)
        if known is None or placed < known[0]:
            self._first[key] = (placed, is_sale, promotions)
        return page

    def used(self, key: tuple[str, str], day: int, units: int, gross: int, adjustment: int, net: int) -> None:
        """Note that an order has used a promotion, on so many units."""
        page = self.promotions.get(key)
        if page is None:
            page = self.promotions[key] = Promotion(first_used_on=day, last_used_on=day)
        page.orders += 1
        page.units += units
        page.gross_sales += gross
        page.price_adjustment += adjustment
        page.net_sales += net
        page.first_used_on = min(page.first_used_on, day)
        page.last_used_on = max(page.last_used_on, day)

    def customer_rows(self) -> Iterator[dict[str, object]]:
        """Each customer's spending, with the fifth of all customers of the currency they are in."""
        by_currency: dict[str, list[Spending]] = {}
        for (_, currency), page in self.spending.items():
            by_currency.setdefault(currency, []).append(page)
        fifths = {currency: _fifths(pages) for currency, pages in by_currency.items()}
        for (key, currency), page in sorted(self.spending.items()):
            span = page.last_day - page.first_day
            yield {
                "customer_key": key,
                "currency": currency,
                "customer_id": None if key.startswith("guest-") else key,
                "order_count": page.orders,
                "units": page.units,
                "first_order_on": clock.date_text(page.first_day * DAY),
                "last_order_on": clock.date_text(page.last_day * DAY),
                "average_days_between": span / (page.orders - 1) if page.orders > 1 else None,
                "first_channel": page.first_channel,
                **{name: fifth(page) for name, fifth in fifths[currency].items()},
                "net_sales": str(decimal(page.net_sales)),
                "cancelled_sales": str(decimal(page.cancelled_sales)),
                "returned_sales": str(decimal(page.returned_sales)),
            }

    def promotion_rows(self, sold: dict[str, int]) -> Iterator[dict[str, object]]:
        """Each promotion, beside all that was sold in its currency."""
        new_customers: dict[tuple[str, str], int] = {}
        for _, is_sale, promotions in self._first.values():
            for key in promotions if is_sale else ():
                new_customers[key] = new_customers.get(key, 0) + 1
        for key, page in sorted(self.promotions.items()):
            yield {
                "promotion_key": key[0],
                "currency": key[1],
                "orders": page.orders,
                "new_customers": new_customers.get(key, 0),
                "units": page.units,
                "share_of_net_sales": page.net_sales / sold[key[1]] if sold.get(key[1]) else None,
                "first_used_on": clock.date_text(page.first_used_on * DAY),
                "last_used_on": clock.date_text(page.last_used_on * DAY),
                "gross_sales": str(decimal(page.gross_sales)),
                "price_adjustment": str(decimal(page.price_adjustment)),
                "net_sales": str(decimal(page.net_sales)),
            }


def _fifths(pages: list[Spending]) -> dict[str, Callable[[Spending], int]]:
    """The fifth somebody is in: 1 + 5 * the share of those who have less."""

    def fifth(value: Callable[[Spending], int]) -> Callable[[Spending], int]:
        values = sorted(map(value, pages))
        return lambda page: 1 + 5 * bisect_left(values, value(page)) // len(values)

    return {
        "recency": fifth(lambda page: page.last_day),
        "frequency": fifth(lambda page: page.orders),
        "monetary": fifth(lambda page: page.kept),
    }
