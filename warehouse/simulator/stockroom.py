"""What lies where, as the retailer's own system knows it: units on hand, and those of them nobody has been promised."""

from collections.abc import Iterable, Sequence

from warehouse.simulator.catalogue import Product
from warehouse.simulator.places import PLACES, Place


class Stockroom:
    """Units by place and product. Units promised or set aside leave `free` at once and `on_hand` when they leave."""

    def __init__(self, products: Sequence[Product]) -> None:
        self._on_hand = [[0] * len(products) for _ in PLACES]
        self._free = [[0] * len(products) for _ in PLACES]
        self._targets = [[0] * len(products) for _ in PLACES]
        # Places and products for which a transfer is on its way.
        self.awaited: set[tuple[int, int]] = set()

    def open_shelf(self, place: Place, product: Product, target: int) -> None:
        """Say how many units a place wants to have, and give it some to begin with."""
        self._targets[place.index][product.index] = target
        self.arrive(place, product, target // 3)

    def target(self, place: Place, product: Product) -> int:
        """Units the place wants to have."""
        return self._targets[place.index][product.index]

    def on_hand(self, place: Place, product: Product) -> int:
        """Units that are there."""
        return self._on_hand[place.index][product.index]

    def free(self, place: Place, product: Product) -> int:
        """Units that may still be promised."""
        return self._free[place.index][product.index]

    def set_aside(self, place: Place, product: Product, units: int = 1) -> None:
        """Promise units to somebody; they stay where they are."""
        self._free[place.index][product.index] -= units

    def release(self, place: Place, product: Product) -> None:
        """Take back the promise of a unit."""
        self._free[place.index][product.index] += 1

    def leave(self, place: Place, product: Product, units: int = 1) -> None:
        """Units that were set aside are gone."""
        self._on_hand[place.index][product.index] -= units

    def arrive(self, place: Place, product: Product, units: int) -> None:
        """Units come; a count may also find that there are fewer."""
        self._on_hand[place.index][product.index] += units
        self._free[place.index][product.index] += units

    def place_with(self, product: Product, places: Iterable[Place], besides: Sequence[Place]) -> Place | None:
        """The first of these places that can promise a unit, none of `besides`."""
        for place in places:
            if place not in besides and self._free[place.index][product.index] > 0:
                return place
        return None
