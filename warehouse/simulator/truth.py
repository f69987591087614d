"""What a simulation's events add up to, kept by the simulated retailer's own books and never read from the events.

A change is booked with the event that tells of it, so the books cover exactly the events that were told.
"""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Final

import msgspec

from warehouse.simulator import clock
from warehouse.simulator.figures import FOUR_PLACES, NO_CURRENCY, TABLES, Figures
from warehouse.simulator.handling import RequestTruth, fulfillment_rows
from warehouse.simulator.money import decimal
from warehouse.simulator.reference import Reference
from warehouse.simulator.shelves import CountedTruth, Shelf, position_rows
from warehouse.simulator.shoppers import Shoppers
from warehouse.system.whole_file import whole_file

TENDERS: Final = {"credit_card": "card", "cash": "cash", "gift_card": "gift_card", "store_credit": "store_credit"}
REPORTED: Final = ("gross_sales", "net_sales", "cancelled_sales", "returned_sales", "total_sales")
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
    # Those of which the header says a price.
    priced: int = 0

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
    def is_cancelled(self) -> bool:
        """Whether nothing is left of it, as far as its header tells what there was."""
        return self.was_cancelled or (self.has_header and 0 < self.item_count == self.cancelled_item_count)

    @property
    def status(self) -> str:
        """The highest rank the order has reached."""
        waiting = self.held & ~(self._cancelled | self.fulfilled | self.returned | self.replaced)
        if self.is_cancelled:
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
    fee: int = 0

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


class ExchangeTruth(msgspec.Struct, frozen=True, gc=False):
    """An order that gives goods for a return; its business day counted from 1970, what it costs in cents."""

    return_id: str
    original_order_id: str
    day: int
    value_out: int
    currency: str

    def to_builtins(self, returned: ReturnTruth | None) -> dict[str, object]:
        """As values of JSON, beside the return, if it was told."""
        back = None if returned is None else returned.adjusted - returned.fee
        difference = None if back is None else self.value_out - back
        direction = None
        if difference is not None:
            direction = "up" if difference > 0 else "down" if difference < 0 else "even"
        return {
            "return_id": self.return_id,
            "original_order_id": self.original_order_id,
            "business_date": clock.date_text(self.day * clock.DAY),
            "value_out": str(decimal(self.value_out)),
            "value_back": None if back is None else str(decimal(back)),
            "difference": None if difference is None else str(decimal(difference)),
            "direction": direction,
            "currency": self.currency,
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


class TransferTruth(msgspec.Struct, gc=False):
    """Goods sent from one location to another: units announced, and units received there; None: not told yet."""

    origin_location_id: str | None = None
    destination_location_id: str | None = None
    shipped_quantity: int | None = None
    received_quantity: int | None = None


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

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self._is_closed = False
        self.counts = Counts()
        self.orders: dict[str, OrderTruth] = {}
        # Orders that NewStore makes up for the money of blind returns.
        self.made_up: set[str] = set()
        self.accounts: dict[tuple[str, str], AccountTruth] = {}
        self.returns: dict[str, ReturnTruth] = {}
        self.stock: dict[tuple[str, str], Shelf] = {}
        self.counted_lines: dict[tuple[str, str], CountedTruth] = {}
        self.transfers: dict[str, TransferTruth] = {}
        self.figures = Figures()
        self.shoppers = Shoppers()
        self.exchanges: dict[str, ExchangeTruth] = {}
        self.customers: dict[str, CustomerTruth] = {}
        self.addresses: dict[str, AddressTruth] = {}
        self.employees: dict[str, EmployeeTruth] = {}
        self.requests: dict[str, RequestTruth] = {}
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

    def shelf(self, location_id: str, product_id: str) -> Shelf:
        """The page of a product at a location."""
        page = self.stock.get((location_id, product_id))
        if page is None:
            page = self.stock[location_id, product_id] = Shelf()
        return page

    def seen(self, location_id: str, product_id: str) -> tuple[int, int]:
        """What should be there at this moment, and all that has moved up to it; nothing is noted."""
        page = self.stock.get((location_id, product_id))
        return (page.on_hand, page.moved) if page else (0, 0)

    def close(self) -> None:
        """All is told: book what waited for more, once."""
        if self._is_closed:
            return
        self._is_closed = True
        self.figures.close()
        for request in self.requests.values():
            self._close_request(request)

    def _close_request(self, request: RequestTruth) -> None:
        """Book a request on the days of its steps: what it did is known only when all is told."""
        sold_by = self.figures.seller_of(request.order_id)
        location_id = request.location_id

        def book(moment: int, **numbers: int) -> None:
            day, _ = self.reference.local_time(moment, location_id)
            self.figures.book(
                "daily_store", (day, location_id, sold_by.currency if sold_by else NO_CURRENCY), **numbers
            )

        for moment, units in request.completed:
            book(moment, fulfilled_units=units)
        for moment, units, _ in request.failed:
            book(moment, rejected_units=units)
        if request.completed and not request.is_open:
            is_pickup = request.service_level == "IN_STORE_HANDOVER"
            book(max(moment for moment, _ in request.completed), fulfilled_requests=1, pickup_requests=int(is_pickup))

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
            "daily_fulfillment": list(fulfillment_rows(self.requests.values(), self.reference)),
            "stock_position": position_rows(self.stock, self.reference),
            "stock_parts": [
                {"location_id": location, "product_id": product, "stock_location_name": part, "on_hand": units}
                for (location, product), page in sorted(self.stock.items())
                for part, units in sorted(page.parts.items())
            ],
            "inventory_accuracy": [
                {"count_id": count_id, "product_id": product, **page.to_builtins()}
                for (count_id, product), page in sorted(self.counted_lines.items())
            ],
            "transfers": msgspec.to_builtins(self.transfers),
            "exchanges": {
                key: page.to_builtins(self.returns.get(page.return_id)) for key, page in sorted(self.exchanges.items())
            },
            **{name: self.figures.rows(name) for name in TABLES},
            "daily_sales": self.figures.in_currency_of("daily_sales", REPORTED, self.reference),
            "daily_store": self.figures.in_currency_of("daily_store", ("net_sales", "returned_sales"), self.reference),
            "daily_associates": list(self._associates()),
            "daily_taxes": [
                row | {"is_apportioned": bool(row["is_apportioned"])} for row in self.figures.rows("daily_taxes")
            ],
            "daily_tenders": [
                row | {"tender_kind": TENDERS[str(row["payment_method"])]} for row in self.figures.rows("daily_tenders")
            ],
            "customer_value": list(self.shoppers.customer_rows()),
            "promotion_performance": list(self.shoppers.promotion_rows(self.figures.net_sales())),
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

    def _associates(self) -> Iterator[dict[str, object]]:
        rows = self.figures.rows("daily_associates")
        for row, (_, page) in zip(rows, self.figures.pages("daily_associates"), strict=True):
            orders = page["orders"]
            average = (decimal(page["net_sales"]) / orders).quantize(FOUR_PLACES, ROUND_HALF_UP) if orders else None
            yield row | {
                "average_order_value": None if average is None else str(average),
                "units_per_transaction": page["units"] / orders if orders else None,
            }

    def to_json(self) -> bytes:
        """The books as JSON, the same bytes for the same books."""
        return msgspec.json.format(msgspec.json.encode(self.to_builtins(), order="sorted"), indent=1)

    def write_truth(self, path: Path) -> None:
        """Write the books as JSON, replacing what is there."""
        with whole_file(path) as stream:
            stream.write(self.to_json() + b"\n")
