"""The kinds of reference data: their columns, what each may hold, and which name a thing. One table, which all ask."""

from collections.abc import Mapping
from typing import Final

import msgspec

from warehouse.reference import values
from warehouse.reference.values import Check, Value


class Kind(msgspec.Struct, frozen=True):
    """One kind: the event that a row becomes, what its rows are about, and its columns with their checks.

    `key` are the columns that name a thing, of which those in `optional_key` may be empty; `required` must not be.
    """

    name: str
    event: str
    things: str
    columns: Mapping[str, Check]
    key: tuple[str, ...]
    optional_key: tuple[str, ...] = ()
    required: tuple[str, ...] = ()

    def key_of(self, row: Mapping[str, Value | None]) -> tuple[str, ...]:
        """What names the thing that a row or a payload is about; empty for the retailer, of which a tenant has one."""
        return tuple(str(row.get(column) or "") for column in self.key)


RETAILER: Final = Kind(
    "retailer",
    "reference.retailer",
    "the retailer itself",
    {
        "time_zone": values.zone,
        "currency": values.currency,
        "fiscal_calendar": values.one_of(values.FISCAL_CALENDARS),
        "fiscal_year_start": values.month_and_day,
        "week_start": values.one_of(values.WEEKDAYS),
    },
    key=(),
)
LOCATIONS: Final = Kind(
    "locations",
    "reference.location",
    "stores and other locations",
    {
        "location_id": values.text,
        "name": values.text,
        "kind": values.one_of(("store", "warehouse", "other")),
        "time_zone": values.zone,
        "region": values.text,
        "country": values.country,
        "currency": values.currency,
        "opened_on": values.day,
        "closed_on": values.day,
        "selling_area": values.amount,
    },
    key=("location_id",),
)
CHANNELS: Final = Kind(
    "channels",
    "reference.channel",
    "channels of orders",
    {"channel": values.text, "name": values.text, "time_zone": values.zone, "location_id": values.text},
    key=("channel",),
)
PRODUCTS: Final = Kind(
    "products",
    "reference.product",
    "products",
    {
        "product_id": values.text,
        "name": values.text,
        "brand": values.text,
        "category": values.text,
        "subcategory": values.text,
        "season": values.text,
        "size": values.text,
        "color": values.text,
        "unit_cost": values.amount,
        "cost_currency": values.currency,
        "is_gift_card": values.boolean,
    },
    key=("product_id",),
)
TENDERS: Final = Kind(
    "tenders",
    "reference.tender",
    "means of payment",
    {
        "payment_method": values.text,
        "payment_provider": values.text,
        "name": values.text,
        "kind": values.one_of(("card", "cash", "gift_card", "store_credit", "wallet", "other")),
    },
    key=("payment_method", "payment_provider"),
    optional_key=("payment_provider",),
)
RATES: Final = Kind(
    "rates",
    "reference.rate",
    "exchange rates",
    {
        "currency": values.currency,
        "to_currency": values.currency,
        "valid_from": values.day,
        "rate": values.rate,
    },
    key=("currency", "to_currency", "valid_from"),
    required=("rate",),
)

KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind for kind in (RETAILER, LOCATIONS, CHANNELS, PRODUCTS, TENDERS, RATES)
}
