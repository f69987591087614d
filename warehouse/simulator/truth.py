"""What a simulation's events add up to, kept by the simulated retailer's own books and never read from the events.

A change is booked with the event that tells of it, so the books cover exactly the events that were told.
"""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from warehouse.simulator import clock
from warehouse.simulator.money import decimal
from warehouse.system.whole_file import whole_file

# Where sales are booked: the day's first moment (ms), channel type, channel, currency.
Booking: TypeAlias = tuple[int, str, str, str]
REASON_KEY: Final = ("order_id", "currency", "transaction_type", "reason")


class OrderTruth(msgspec.Struct, gc=False):
    """One order. Units are bits of a mask, so a year of orders fits in memory; amounts are cents."""

    external_id: str | None = None
    customer_id: str | None = None
    currency: str | None = None
    total_cents: int = 0
    net_cents: int | None = None
    has_header: bool = False
    was_opened: bool = False
    was_completed: bool = False
    was_cancelled: bool = False
    known: int = 0
    cancelled: int = 0
    fulfilled: int = 0
    returned: int = 0
    held: int = 0
    replaced: int = 0
    # When units were cancelled, and how many, before there was a header to say what sale they were.
    cancelled_early: tuple[tuple[int, int], ...] = ()

    @property
    def item_count(self) -> int:
        """Units, without those that a swap replaced."""
        return (self.known & ~self.replaced).bit_count()

    @property
    def cancelled_item_count(self) -> int:
        """Units cancelled, alone or with the whole order."""
        return (self._cancelled & ~self.replaced).bit_count()

    @property
    def fulfilled_item_count(self) -> int:
        """Units shipped or handed over, also those that came back."""
        return (self.fulfilled & ~self._cancelled & ~self.replaced).bit_count()

    @property
    def returned_item_count(self) -> int:
        """Units that came back."""
        return (self.returned & ~self.replaced).bit_count()

    @property
    def grand_total(self) -> Decimal | None:
        """What the order's header says; None when there was none."""
        return decimal(self.total_cents) if self.has_header else None

    @property
    def net_amount(self) -> Decimal | None:
        """What the units cost after discounts, tax and shipping apart; None where no header says a price."""
        return None if self.net_cents is None else decimal(self.net_cents)

    @property
    def status(self) -> str:
        """The highest rank the order has reached."""
        waiting = self.held & ~(self._cancelled | self.fulfilled | self.returned | self.replaced)
        if self.was_cancelled or (self.has_header and 0 < self.item_count == self.cancelled_item_count):
            return "cancelled"
        if self.was_completed:
            return "completed"
        if waiting:
            return "on_hold"
        if self.was_opened:
            return "opened"
        return "created" if self.has_header else "unknown"

    @property
    def _cancelled(self) -> int:
        return self.known if self.was_cancelled else self.cancelled

    def to_builtins(self) -> dict[str, object]:
        """As values of JSON, amounts as text."""
        return {
            "external_id": self.external_id,
            "customer_id": self.customer_id,
            "status": self.status,
            "has_header": self.has_header,
            "currency": self.currency,
            "grand_total": None if self.grand_total is None else str(self.grand_total),
            "net_amount": None if self.net_amount is None else str(self.net_amount),
            "item_count": self.item_count,
            "cancelled_item_count": self.cancelled_item_count,
            "fulfilled_item_count": self.fulfilled_item_count,
            "returned_item_count": self.returned_item_count,
        }


class AccountTruth(msgspec.Struct, gc=False):
    """The money that moved on an order's payment account in one currency, in cents."""

    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    voided: int = 0

    def to_builtins(self) -> dict[str, str]:
        """As values of JSON, amounts as text."""
        return {name: str(decimal(getattr(self, name))) for name in self.__struct_fields__}


class ReturnTruth(msgspec.Struct, frozen=True, gc=False):
    """One return: its order, if it was not blind, its totals in cents and the units that came back."""

    order_id: str | None
    location_id: str
    currency: str
    refund: int
    adjusted: int
    tax: int
    item_count: int
    is_historical: bool = False

    def to_builtins(self) -> dict[str, object]:
        """As values of JSON, amounts as text and named as in the marts."""
        return {
            "order_id": self.order_id,
            "is_blind": self.order_id is None,
            "return_location_id": self.location_id,
            "currency": self.currency,
            "total_refund_amount": str(decimal(self.refund)),
            "total_refund_amount_adjusted": str(decimal(self.adjusted)),
            "total_refund_excl_tax": str(decimal(self.refund - self.tax)),
            "total_refund_tax": str(decimal(self.tax)),
            "item_count": self.item_count,
            "is_historical": self.is_historical,
        }


class RefundRequestTruth(msgspec.Struct, frozen=True, gc=False):
    """Money somebody asked to be given back, in cents."""

    order_id: str
    currency: str
    amount: int
    return_reason: str
    associate_id: str | None

    def to_builtins(self) -> dict[str, object]:
        """As values of JSON, the amount as text."""
        return msgspec.structs.asdict(self) | {"amount": str(decimal(self.amount))}


class CountTruth(msgspec.Struct, gc=False):
    """A count by the chunks that were told; all of them make it complete."""

    location_id: str
    total_chunks: int
    chunks_seen: int = 0
    lines: int = 0
    is_complete: bool = False


class StockTruth(msgspec.Struct, gc=False):
    """Units of a product at a location: the last complete count and what moved after it."""

    counted: int | None = None
    moved: int = 0

    @property
    def on_hand(self) -> int:
        """Units that should be there."""
        return (self.counted or 0) + self.moved


class TransferTruth(msgspec.Struct, gc=False):
    """Goods sent from one location to another: units announced, and units received there; None: not told yet."""

    origin_location_id: str | None = None
    destination_location_id: str | None = None
    shipped_quantity: int | None = None
    received_quantity: int | None = None


class SalesTruth(msgspec.Struct, gc=False):
    """A day's sales of a channel in a currency, amounts in cents; historical orders are no sales."""

    orders: int = 0
    units: int = 0
    net_sales: int = 0
    tax: int = 0
    shipping: int = 0
    returns: int = 0
    returned_units: int = 0
    refunds: int = 0
    cancelled_units: int = 0

    def to_builtins(self) -> dict[str, object]:
        """As values of JSON, amounts as text."""
        amounts = ("net_sales", "tax", "shipping", "refunds")
        values = msgspec.structs.asdict(self)
        return values | {name: str(decimal(values[name])) for name in amounts}


class CustomerTruth(msgspec.Struct, gc=False):
    """Somebody any event names: the newest revision that was told, whether their making was, what they bought."""

    revision: int | None = None
    is_complete: bool = False
    email: str | None = None
    order_count: int = 0
    return_count: int = 0


class EmployeeTruth(msgspec.Struct, frozen=True, gc=False):
    """Somebody the newest event of says whether they still work here, and how to call them."""

    is_active: bool
    phone: str | None


class AddressTruth(msgspec.Struct, gc=False):
    """One address of a customer."""

    customer_id: str
    is_deleted: bool = False


class Counts(msgspec.Struct):
    """Numbers of deliveries and of the distinct events among them."""

    events: int = 0
    deliveries: int = 0
    duplicates: int = 0
    bad: dict[str, int] = {}
    by_name: dict[str, int] = {}


class Truth:
    """The books, by id; accounts by order and currency, stock by location and product, sales by day and channel."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.orders: dict[str, OrderTruth] = {}
        # Orders that NewStore makes up for the money of blind returns.
        self.made_up: set[str] = set()
        self.accounts: dict[tuple[str, str], AccountTruth] = {}
        self.returns: dict[str, ReturnTruth] = {}
        self.stock: dict[tuple[str, str], StockTruth] = {}
        self.transfers: dict[str, TransferTruth] = {}
        self.sales: dict[Booking, SalesTruth] = {}
        self.customers: dict[str, CustomerTruth] = {}
        self.addresses: dict[str, AddressTruth] = {}
        self.employees: dict[str, EmployeeTruth] = {}
        self.refund_requests: dict[str, RefundRequestTruth] = {}
        # Money that moved for a reason, in cents, by order, currency, step and reason.
        self.reasons: dict[tuple[str, str, str, str], int] = {}
        self.counted: dict[str, CountTruth] = {}

    def order(self, order_id: str) -> OrderTruth:
        """The order's page in the books, a new one at its first mention."""
        page = self.orders.get(order_id)
        if page is None:
            page = self.orders[order_id] = OrderTruth()
        return page

    def account(self, order_id: str, currency: str) -> AccountTruth:
        """The payment account's page; who speaks of its money speaks of the order, unless a blind return made it up."""
        if order_id not in self.made_up:
            self.order(order_id)
        page = self.accounts.get((order_id, currency))
        if page is None:
            page = self.accounts[order_id, currency] = AccountTruth()
        return page

    def customer(self, customer_id: str) -> CustomerTruth:
        """The customer's page."""
        page = self.customers.get(customer_id)
        if page is None:
            page = self.customers[customer_id] = CustomerTruth()
        return page

    def address(self, address_id: str, customer_id: str) -> AddressTruth:
        """The address's page; to speak of it is to speak of its customer."""
        page = self.addresses.get(address_id)
        if page is None:
            self.customer(customer_id)
            page = self.addresses[address_id] = AddressTruth(customer_id)
        return page

    def announce(self, transfer_id: str, origin_id: str, destination_id: str, units: int) -> None:
        """Book units that are on their way."""
        page = self.transfers.setdefault(transfer_id, TransferTruth())
        page.origin_location_id, page.destination_location_id = origin_id, destination_id
        page.shipped_quantity = (page.shipped_quantity or 0) + units

    def receive(self, transfer_id: str, destination_id: str, units: int) -> None:
        """Book units of a transfer that have arrived, announced or not."""
        page = self.transfers.setdefault(transfer_id, TransferTruth())
        page.destination_location_id = page.destination_location_id or destination_id
        page.received_quantity = (page.received_quantity or 0) + units

    def sale(self, moment: int, channel_type: str, channel: str, currency: str) -> SalesTruth:
        """The page of that moment's day."""
        booking = (moment - moment % clock.DAY, channel_type, channel, currency)
        page = self.sales.get(booking)
        if page is None:
            page = self.sales[booking] = SalesTruth()
        return page

    def chunk(self, count_id: str, location_id: str, total_chunks: int, lines: int) -> None:
        """Book a chunk of a count that was told once, with its lines."""
        page = self.counted.setdefault(count_id, CountTruth(location_id, total_chunks))
        page.chunks_seen += 1
        page.lines += lines
        page.is_complete = page.chunks_seen == total_chunks

    def give_reason(self, order_id: str, currency: str, step: str, reason: str, cents: int) -> None:
        """Book money that moved for a reason."""
        key = (order_id, currency, step, reason)
        self.reasons[key] = self.reasons.get(key, 0) + cents

    def move(self, location_id: str, product_id: str, units: int) -> None:
        """Book units that came (above zero) or went."""
        page = self.stock.get((location_id, product_id))
        if page is None:
            page = self.stock[location_id, product_id] = StockTruth()
        page.moved += units

    def count(self, location_id: str, lines: Iterable[tuple[str, int]]) -> None:
        """Book a complete count, as (product id, units found): what moved before it counts no more."""
        for product_id, units in lines:
            self.stock[location_id, product_id] = StockTruth(units)

    def to_builtins(self) -> dict[str, object]:
        """As values of JSON, in the order of their ids."""
        return {
            "counts": msgspec.to_builtins(self.counts),
            "orders": {key: page.to_builtins() for key, page in sorted(self.orders.items())},
            "payment_accounts": [
                {"order_id": order_id, "currency": currency, **page.to_builtins()}
                for (order_id, currency), page in sorted(self.accounts.items())
            ],
            "returns": {key: page.to_builtins() for key, page in sorted(self.returns.items())},
            "stock": [
                {"location_id": location, "product_id": product, "on_hand": page.on_hand}
                for (location, product), page in sorted(self.stock.items())
            ],
            "transfers": msgspec.to_builtins(self.transfers),
            "daily_sales": [
                {
                    "date": clock.date_text(day),
                    "channel_type": channel_type,
                    "channel": channel,
                    "currency": currency,
                    **page.to_builtins(),
                }
                for (day, channel_type, channel, currency), page in sorted(self.sales.items())
            ],
            "customers": msgspec.to_builtins(self.customers),
            "addresses": msgspec.to_builtins(self.addresses),
            "employees": msgspec.to_builtins(self.employees),
            "refund_requests": {key: page.to_builtins() for key, page in sorted(self.refund_requests.items())},
            "payment_reasons": [
                dict(zip(REASON_KEY, key, strict=True)) | {"amount": str(decimal(cents))}
                for key, cents in sorted(self.reasons.items())
            ],
            "inventory_counts": msgspec.to_builtins(self.counted),
        }

    def to_json(self) -> bytes:
        """The books as JSON, the same bytes for the same books."""
        return msgspec.json.format(msgspec.json.encode(self.to_builtins(), order="sorted"), indent=1)

    def write_truth(self, path: Path) -> None:
        """Write the books as JSON, replacing what is there."""
        with whole_file(path) as stream:
            stream.write(self.to_json() + b"\n")
