"""Who buys and who works: invented people with addresses at example.com, made one after the other."""

from dataclasses import dataclass, field
from typing import Any, Final

from warehouse.simulator.chance import Chance
from warehouse.simulator.clock import DAY
from warehouse.simulator.places import GERMANY, MARKETS, Market, Place

_FIRST: Final = (
    "Ava",
    "Noah",
    "Mia",
    "Liam",
    "Zoë",
    "Emma",
    "Jürgen",
    "Ines",
    "Omar",
    "Grace",
    "Paul",
    "Chloé",
    "Max",
    "Ruth",
)
_LAST: Final = (
    "Doe",
    "Smith",
    "Nguyen",
    "O'Neill",
    "Müller",
    "García",
    "Brown",
    "Schmidt",
    "Khan",
    "Rossi",
    "Lee",
    "Young",
)
_STREETS: Final = ("California St", "Main St", "5th Ave", "Oak Dr", "Elm St", "Sunset Blvd", "Lake View Rd")
_STRASSEN: Final = ("Hauptstraße", "Lindenweg", "Am Markt", "Goethestraße", "Schloßallee")
_CITIES: Final = (
    ("94108", "San Francisco", "CA"),
    ("10012", "New York", "NY"),
    ("02116", "Boston", "MA"),
    ("60611", "Chicago", "IL"),
    ("78701", "Austin", "TX"),
)
_STAEDTE: Final = (("20095", "Hamburg", "HH"), ("80331", "München", "BY"), ("10115", "Berlin", "BE"))


@dataclass(slots=True)
class Address:
    """A postal address; `id` is that of the customer's address book."""

    id: str
    first_name: str
    last_name: str
    line_1: str
    line_2: str
    zip_code: str
    city: str
    state: str
    country: str
    phone: str
    kind: str = "shipping"
    revision: int = 1
    created_at: int = 0

    def in_order(self, spelling: int) -> dict[str, Any]:
        """As orders carry it; the lines come in both spellings (0), the newer (1) or the older (2)."""
        address: dict[str, Any] = {"first_name": self.first_name, "last_name": self.last_name}
        if spelling != 2:
            address |= {"address_line_1": self.line_1, "address_line_2": self.line_2}
        if spelling != 1:
            address |= {"address_line1": self.line_1, "address_line2": self.line_2}
        address |= {"zip_code": self.zip_code, "city": self.city, "state": self.state, "country": self.country}
        if self.phone:
            address["phone"] = self.phone
        return address


@dataclass(slots=True)
class Customer:
    """A customer with an account and at least one address."""

    id: str
    number: int
    first_name: str
    last_name: str
    email: str
    phone: str
    market: Market
    addresses: list[Address]
    created_at: int = 0
    revision: int = 1
    is_guest: bool = False


@dataclass(slots=True)
class Employee:
    """Somebody who works in a store; old systems know some of them by a short number."""

    id: str
    associate_id: str
    first_name: str
    last_name: str
    email: str
    place: Place
    phone: str | None = None
    roles: list[str] = field(default_factory=lambda: ["associate"])
    is_active: bool = True
    created_at: int = 0


class Population:
    """The customers the retailer thinks of: the latest `memory` of them, so that it never outgrows a machine."""

    def __init__(self, chance: Chance, memory: int) -> None:
        self._chance = chance
        self._memory = memory
        self._made = 0
        self.customers: list[Customer] = []
        self.busy: list[Customer] = []

    def newcomer(self, market: Market, moment: int) -> Customer:
        """A customer nobody has met before, remembered from now on."""
        customer = self._make(market, moment)
        if len(self.customers) < self._memory:
            self.customers.append(customer)
        else:
            self.customers[self._chance.below(self._memory)] = customer
        return customer

    def guest(self, market: Market, moment: int) -> Customer:
        """Somebody who buys without an account and is forgotten."""
        customer = self._make(market, moment)
        customer.is_guest = True
        return customer

    def _make(self, market: Market, moment: int) -> Customer:
        chance = self._chance
        self._made += 1
        first_name, last_name = chance.pick(_FIRST), chance.pick(_LAST)
        email = f"{first_name}.{last_name}.{self._made}@example.com".lower().replace("'", "")
        address = new_address(chance, market, first_name, last_name)
        address.created_at = moment
        return Customer(
            chance.uuid(), self._made, first_name, last_name, email, address.phone, market, [address], moment
        )

    def regular(self, market: Market) -> Customer | None:
        """A customer of that market who was here before, or None when none comes to mind."""
        for _ in range(4):
            if self.customers and (known := self._chance.pick(self.customers)).market is market:
                return known
        return None

    def fill(self, count: int, moment: int) -> None:
        """Make customers of the years before; those with most to change are the first of them."""
        for number in range(count):
            self.newcomer(MARKETS[number % 3 == 2], moment - self._chance.between(DAY, 900 * DAY))
        self.busy = self.customers[:3]


def new_address(chance: Chance, market: Market, first_name: str, last_name: str) -> Address:
    """Somewhere in that market."""
    number = chance.between(1, 980)
    if market is GERMANY:
        street = f"{chance.pick(_STRASSEN)} {number}"
        zip_code, city, state = chance.pick(_STAEDTE)
    else:
        street = f"{number} {chance.pick(_STREETS)}"
        zip_code, city, state = chance.pick(_CITIES)
    line_2 = f"Apt {chance.between(1, 40)}" if chance.happens(0.2) else ""
    phone = f"0{chance.between(7_000_000_000, 7_999_999_999)}" if chance.happens(0.7) else ""
    return Address(chance.uuid(), first_name, last_name, street, line_2, zip_code, city, state, market.country, phone)


def new_employee(chance: Chance, place: Place, number: int, moment: int) -> Employee:
    """Somebody hired for a store."""
    first_name, last_name = chance.pick(_FIRST), chance.pick(_LAST)
    associate_id = str(number) if number <= 4 else chance.hexadecimal(32)
    email = f"{first_name}.{last_name}.{number}@staff.example.com".lower().replace("'", "")
    return Employee(chance.uuid(), associate_id, first_name, last_name, email, place, created_at=moment)
