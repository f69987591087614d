"""What the simulated retailer knows and NewStore does not say: its zones, names, costs, gift cards, tenders and rates.

It leaves gaps, as retailers do: a store without a zone, products without a cost, days before the first rate.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from warehouse.reference.kinds import KINDS
from warehouse.simulator import clock
from warehouse.simulator.catalogue import GIFT_CARDS, Product
from warehouse.simulator.chance import Chance
from warehouse.simulator.clock import DAY, HOUR
from warehouse.simulator.money import decimal
from warehouse.simulator.places import CENTRE, GERMANY, MARKETS, PLACES, STORES, UNITED_STATES

Row = Mapping[str, str]

UTC: Final = "UTC"
HEADQUARTERS: Final = (("America/New_York", "USD"), ("Europe/Berlin", "EUR"), ("Pacific/Auckland", "USD"))
FISCAL: Final = (("gregorian", "01-01"), ("nrf-4-5-4", "02-01"), ("4-4-5", "07-01"))
# The zone of this store only its channel says, and nobody the cost of every so many products.
WITHOUT_ZONE: Final = STORES[4]
WITHOUT_COST: Final = 9
COST_PERCENT: Final = 38
# From which day on a rate is valid, counted from the first of the simulation.
RATES: Final = ((2, "1.0875"), (9, "1.0912"), (40, "1.0793"))


class LocalTime(NamedTuple):
    """A day, counted from 1970, and the hour of it."""

    day: int
    hour: int


class Reference:
    """The rows of each kind as a file has them, and what they say, for those who reckon by them."""

    def __init__(self, rows: Mapping[str, Sequence[Row]]) -> None:
        self.rows = rows
        retailer = next(iter(rows.get("retailer", ())), {})
        self.currency = retailer.get("currency")
        self._zone = retailer.get("time_zone") or UTC
        self._zones = {
            kind: {row[key]: row["time_zone"] for row in rows.get(kind, ()) if row["time_zone"]}
            for kind, key in (("locations", "location_id"), ("channels", "channel"))
        }
        products = rows.get("products", ())
        self._gift_cards = {row["product_id"] for row in products if row["is_gift_card"] == "true"}
        self.unit_costs = {row["product_id"]: row for row in products if row["unit_cost"]}
        self._rates = sorted(
            (row["valid_from"], row["currency"], Decimal(row["rate"])) for row in rows.get("rates", ())
        )

    def local_time(self, moment: int, location_id: str | None, channel: str | None = None) -> LocalTime:
        """Day and hour where something happened: in its location's zone, else its channel's, else the retailer's."""
        zones = self._zones
        zone = (location_id and zones["locations"].get(location_id)) or (channel and zones["channels"].get(channel))
        return _local_time(zone or self._zone, moment // HOUR)

    def midnight(self, day: int, location_id: str) -> int:
        """The first moment of a day there."""
        zone = ZoneInfo(self._zones["locations"].get(location_id, self._zone))
        return clock.midnight(zone, day)

    def is_gift_card(self, product_id: str) -> bool:
        """Whether the retailer calls this product one."""
        return product_id in self._gift_cards

    def rate(self, currency: str, day: int) -> Decimal | None:
        """What a unit of the currency was worth on that day in the retailer's; None where nobody said."""
        if self.currency is None or currency == self.currency:
            return None if self.currency is None else Decimal(1)
        date = clock.date_text(day * DAY)
        known = [rate for valid_from, of, rate in self._rates if of == currency and valid_from <= date]
        return known[-1] if known else None

    def write(self, folder: Path) -> list[tuple[str, Path]]:
        """Write a CSV file of each kind into a folder, which is made; gives kinds and files."""
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for kind, rows in self.rows.items():
            path = folder / f"{kind}.csv"
            with path.open("w", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, list(KINDS[kind].columns), restval="")
                writer.writeheader()
                writer.writerows(rows)
            written.append((kind, path))
        return written


NOTHING: Final = Reference({})


def make_reference(seed: int, start: int, products: Iterable[Product]) -> Reference:
    """What the retailer of that seed knows; the zone it counts its own days in differs from seed to seed."""
    chance = Chance(f"{seed}:reference")
    (zone, currency), (calendar, year_start) = chance.pick(HEADQUARTERS), chance.pick(FISCAL)
    retailer = {
        "time_zone": zone,
        "currency": currency,
        "fiscal_calendar": calendar,
        "fiscal_year_start": year_start,
        "week_start": "sunday" if calendar == "nrf-4-5-4" else "monday",
    }
    return Reference(
        {
            "retailer": [retailer],
            "locations": _locations(start),
            "channels": _channels(),
            "products": _products(products),
            "tenders": _tenders(),
            "rates": _rates(start, currency),
        }
    )


def _locations(start: int) -> list[Row]:
    return [
        {
            "location_id": place.id,
            "name": place.name,
            "kind": "store" if place.is_store else "warehouse",
            "time_zone": "" if place is WITHOUT_ZONE else place.time_zone,
            "region": "Europe" if place.market is GERMANY else "North America",
            "country": place.market.country,
            "currency": place.market.currency,
            # The one opened with the simulation, the others before anybody counted.
            "opened_on": clock.date_text(start) if place is STORES[-1] else "2015-03-02",
            "selling_area": "" if place is CENTRE else str(140 + 35 * place.index),
        }
        for place in PLACES
    ]


def _channels() -> list[Row]:
    shops = [
        {"channel": UNITED_STATES.web_channel, "name": "Web shop USA", "time_zone": ""},
        {"channel": GERMANY.web_channel, "name": "Web shop Europe", "time_zone": "Europe/Berlin"},
    ]
    stores = [
        {
            "channel": store.prefix,
            "name": store.name,
            "time_zone": store.time_zone if store is WITHOUT_ZONE else "",
            "location_id": store.id,
        }
        for store in STORES
    ]
    return [*shops, *stores]


def _products(products: Iterable[Product]) -> list[Row]:
    goods = [
        {
            "product_id": product.id,
            "name": f"{product.name} {product.colour} {product.size}",
            "brand": "Demo",
            "category": product.name,
            "size": product.size,
            "color": product.colour,
            "unit_cost": str(decimal(product.price * COST_PERCENT // 100)) if product.index % WITHOUT_COST else "",
            "cost_currency": "USD",
            "is_gift_card": "",
        }
        for product in products
    ]
    cards = [
        {"product_id": card.id, "name": card.name, "category": "Gift cards", "unit_cost": "", "is_gift_card": "true"}
        for card in GIFT_CARDS
    ]
    return [*goods, *cards]


def _tenders() -> list[Row]:
    return [
        {"payment_method": "cash", "payment_provider": "cash", "name": "Cash", "kind": "cash"},
        {"payment_method": "credit_card", "payment_provider": "adyen", "name": "Card (Adyen)", "kind": "card"},
        {"payment_method": "credit_card", "payment_provider": "stripe", "name": "Card (Stripe)", "kind": "card"},
        {"payment_method": "gift_card", "payment_provider": "gift_card", "name": "Gift card", "kind": "gift_card"},
    ]


def _rates(start: int, currency: str) -> list[Row]:
    other = next(market.currency for market in MARKETS if market.currency != currency)
    return [
        {"currency": other, "to_currency": currency, "valid_from": clock.date_text(start + day * DAY), "rate": rate}
        for day, rate in RATES
    ]


@cache
def _local_time(zone: str, hour: int) -> LocalTime:
    """That of an hour, counted from 1970 in UTC: no zone here is before or behind by parts of one."""
    moment = hour * HOUR + clock.offset(ZoneInfo(zone), hour * HOUR)
    return LocalTime(moment // DAY, moment % DAY // HOUR)
