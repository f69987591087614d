"""Where the retailer is: two markets with their taxes, their stores and web shops, and one distribution centre.

Location ids look as different as they do with real retailers: codes, names, a UUID. Taxes are those of the place where
something is sold: a store's own, else those of its market.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

# Name and rate of each tax, in 1/100,000.
TaxLines: TypeAlias = tuple[tuple[str, int], ...]


@cache
def rate_of(lines: TaxLines) -> int:
    """All of them together."""
    return sum(rate for _, rate in lines)


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """A currency and its customs; `zone` is the hours from UTC by which its people work."""

    country: str
    currency: str
    price_method: str
    tax_strategy: str
    tax_lines: TaxLines
    zone: int
    web_channel: str
    # Whether its prices hold the tax.
    tax_included: bool


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A location that holds stock; `index` counts them from 0, `price_method` is how its tills spell its market's."""

    index: int
    id: str
    market: Market
    is_store: bool
    prefix: str
    share: float
    name: str
    time_zone: str
    tax_lines: TaxLines
    price_method: str = ""

    @property
    def tax_rate(self) -> int:
        """All its taxes together."""
        return rate_of(self.tax_lines)


_NEW_YORK: Final = (("State Tax", 4_000), ("City Tax", 4_875))
_CALIFORNIA: Final = (("State Tax", 6_000), ("County Tax", 250), ("District Tax", 4_000))
_MASSACHUSETTS: Final = (("State Tax", 6_250),)
_ILLINOIS: Final = (("State Tax", 6_250), ("County Tax", 1_750), ("City Tax", 2_250))
_TEXAS: Final = (("State Tax", 6_250), ("City Tax", 2_000))
_VAT: Final = (("VAT", 19_000),)

UNITED_STATES: Final = Market("US", "USD", "tax_excluded", "avalara", _NEW_YORK, -5, "webshop-us", False)
GERMANY: Final = Market("DE", "EUR", "tax_included", "fixedrate", _VAT, 1, "webshop-eu", True)
MARKETS: Final = (UNITED_STATES, GERMANY)

_US: Final = UNITED_STATES
_DE: Final = GERMANY
CENTRE: Final = Place(0, "DC-NJ", _US, False, "DCN", 0.0, "Newark", "America/New_York", _NEW_YORK)
STORES: Final = (
    Place(1, "STRG", _US, True, "STRG", 0.24, "Strand Gallery", "America/New_York", _NEW_YORK),
    Place(2, "BERK", _US, True, "BERK", 0.14, "Berkeley", "America/Los_Angeles", _CALIFORNIA),
    Place(3, "012_Boston", _US, True, "BOS", 0.18, "Boston", "America/New_York", _MASSACHUSETTS),
    Place(4, "CHI01", _US, True, "CHI", 0.16, "Chicago", "America/Chicago", _ILLINOIS, "vat_excluded"),
    Place(5, "874e9179-b87f-40f0-a07e-3e6d28ef8fd9", _US, True, "AUS", 0.10, "Austin", "America/Chicago", _TEXAS),
    Place(6, "HAM-Mönckeberg", _DE, True, "HAM", 0.10, "Hamburg", "Europe/Berlin", _VAT),
    Place(7, "MUC02", _DE, True, "MUC", 0.08, "München", "Europe/Berlin", _VAT, "vat_included"),
)
PLACES: Final = (CENTRE, *STORES)
