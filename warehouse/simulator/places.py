"""Where the retailer is: two markets with their taxes, their stores and web shops, and one distribution centre.

Location ids look as different as they do with real retailers: codes, names, a UUID.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """A currency and its customs; `zone` is the hours of its shops from UTC, tax rates are in 1/100,000."""

    country: str
    currency: str
    price_method: str
    tax_strategy: str
    tax_lines: tuple[tuple[str, int], ...]
    zone: int
    web_channel: str

    @property
    def tax_rate(self) -> int:
        """All taxes together."""
        return sum(rate for _, rate in self.tax_lines)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A location that holds stock; `index` counts them from 0."""

    index: int
    id: str
    market: Market
    is_store: bool
    prefix: str
    share: float


UNITED_STATES: Final = Market(
    "US", "USD", "tax_excluded", "avalara", (("State Tax", 4_000), ("City Tax", 4_875)), -5, "webshop-us"
)
GERMANY: Final = Market("DE", "EUR", "tax_included", "fixedrate", (("VAT", 19_000),), 1, "webshop-eu")
MARKETS: Final = (UNITED_STATES, GERMANY)

CENTRE: Final = Place(0, "DC-NJ", UNITED_STATES, False, "DCN", 0.0)
STORES: Final = (
    Place(1, "STRG", UNITED_STATES, True, "STRG", 0.24),
    Place(2, "BERK", UNITED_STATES, True, "BERK", 0.14),
    Place(3, "012_Boston", UNITED_STATES, True, "BOS", 0.18),
    Place(4, "CHI01", UNITED_STATES, True, "CHI", 0.16),
    Place(5, "874e9179-b87f-40f0-a07e-3e6d28ef8fd9", UNITED_STATES, True, "AUS", 0.10),
    Place(6, "HAM-Mönckeberg", GERMANY, True, "HAM", 0.10),
    Place(7, "MUC02", GERMANY, True, "MUC", 0.08),
)
PLACES: Final = (CENTRE, *STORES)
