"""What is sold: products with a price, a sku and an EAN-13, always the same for a seed; a few of them sell most."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from warehouse.simulator.chance import Chance, Weighted

_STYLES: Final = (
    ("Tee", "TEE", 2900, "PC040100"),
    ("Shirt", "SHI", 7900, "PC040100"),
    ("Jeans", "JEA", 9900, "PC040100"),
    ("Dress", "DRE", 12900, "PC040100"),
    ("Coat", "COA", 29500, "PC040100"),
    ("Knit", "KNI", 8900, "PC040100"),
    ("Sneaker", "SNE", 11900, "PC040200"),
    ("Bag", "BAG", 18500, "PC040300"),
    ("Belt", "BEL", 3995, "PC040300"),
    ("Scarf", "SCA", 4495, "PC040300"),
)
_COLOURS: Final = ("BLK", "WHT", "NVY", "OLV", "RED")
_SIZES: Final = ("XS", "S", "M", "L", "XL")


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """Something that can be bought, with its prices in cents; `index` counts them from 0."""

    index: int
    id: str
    sku: str
    ean13: str
    price: int
    list_price: int
    tax_class: str


class Catalogue:
    """The products, and which of them somebody wants."""

    def __init__(self, chance: Chance, colours: int) -> None:
        self.products = tuple(_products(chance, _COLOURS[:colours]))
        # The usual shape of demand: a few products sell most.
        ranks = list(range(1, len(self.products) + 1))
        chance.shuffle(ranks)
        self._weights = [1 / (rank + 5) for rank in ranks]
        self._total = sum(self._weights)
        self._wanted = Weighted(self._weights)

    def demand(self, product: Product) -> float:
        """The product's share of all units that are wanted."""
        return self._weights[product.index] / self._total

    def wanted(self, chance: Chance) -> Product:
        """A product somebody wants to buy."""
        return self.products[self._wanted.pick(chance)]

    def instead_of(self, product: Product, chance: Chance) -> Product:
        """Another size or colour of the same style: a product with the same price."""
        same = [other for other in self.products if other.price == product.price and other is not product]
        return chance.pick(same)


def _products(chance: Chance, colours: Sequence[str]) -> list[Product]:
    products: list[Product] = []
    for style, (_, code, price, tax_class) in enumerate(_STYLES):
        now = price - price // 500 * 100 if chance.happens(0.2) else price
        for colour in colours:
            for size in _SIZES:
                number = len(products)
                ean13 = _ean13(f"40{style:03}{number:07}")
                sku = f"{code}-{colour}-{size}"
                products.append(Product(number, str(1_005_400 + 7 * number), sku, ean13, now, price, tax_class))
    return products


def _ean13(twelve: str) -> str:
    digits = [int(digit) for digit in twelve]
    return twelve + str(-(sum(digits[::2]) + 3 * sum(digits[1::2])) % 10)
