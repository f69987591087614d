"""What lies where, as the retailer's own system knows it: units on hand, and those of them nobody has been promised."""

from collections.abc import Iterable, Sequence

from warehouse.simulator.catalogue import Product
from warehouse.simulator.places import PLACES, Place


class Stockroom:
    """Units by place and product. Units promised to an order leave `free` at once and `on_hand` when they leave."""

    def __init__(self, products: Sequence[Product]) -> None:
        self.on_hand = [[0] * len(products) for _ in PLACES]
        self._free = [[0] * len(products) for _ in PLACES]

    def free(self, place: Place, product: Product) -> int:
        """Units that may still be promised."""
        return self._free[place.index][product.index]

    def promise(self, place: Place, product: Product) -> None:
        """Set a unit aside for an order."""
        self._free[place.index][product.index] -= 1

    def release(self, place: Place, product: Product) -> None:
        """Take back a promise."""
        self._free[place.index][product.index] += 1

    def hand_over(self, place: Place, product: Product) -> None:
        """A promised unit leaves."""
        self.on_hand[place.index][product.index] -= 1

    def change(self, place: Place, product: Product, units: int) -> None:
        """Units come (above zero) or go without a promise."""
        self.on_hand[place.index][product.index] += units
        self._free[place.index][product.index] += units

    def place_with(self, product: Product, places: Iterable[Place], besides: Sequence[Place]) -> Place | None:
        """The first of these places that can promise a unit, none of `besides`."""
        for place in places:
            if place not in besides and self._free[place.index][product.index] > 0:
                return place
        return None
