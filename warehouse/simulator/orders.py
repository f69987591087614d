"""Orders: who bought what for how much. Totals add up to the cent, and what an order is made of never changes.

tax_excluded   subtotal - discount_total + shipping_total + tax_total = grand_total
tax_included   subtotal - discount_total + shipping_total = grand_total, the tax being inside
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from warehouse.simulator import clock
from warehouse.simulator.accounts import Account
from warehouse.simulator.catalogue import Product
from warehouse.simulator.money import divide, number, percent_of, tax_on, tax_within
from warehouse.simulator.people import Customer
from warehouse.simulator.places import Market, Place
from warehouse.simulator.world import World

PROMOTIONS = (("WELCOME10", 10), ("SUMMER15", 15), ("FRIENDS20", 20), ("EMPLOYEE", 50))
VOUCHERS = (("GIVE5", 500), ("GIVE20", 2000))


@dataclass(slots=True)
class Unit:
    """One unit of an order, its money in cents; `bit` stands for it in the books."""

    bit: int
    id: str
    product: Product
    price: int
    item_discount: int = 0
    order_discount: int = 0
    tax: int = 0
    discounts: list[dict[str, Any]] = field(default_factory=list)
    place: Place | None = None
    is_cancelled: bool = False
    was_held: bool = False

    @property
    def net(self) -> int:
        """Its price after all discounts."""
        return self.price - self.item_discount - self.order_discount

    def gross(self, market: Market) -> int:
        """What the customer pays for it."""
        return self.net + self.tax if market.price_method == "tax_excluded" else self.net


@dataclass(slots=True)
class Order:
    """An order with all its units; `waiting` counts those of which nobody knows yet whether they are sold."""

    id: str
    external_id: str
    market: Market
    store: Place | None
    customer: Customer | None
    email: str
    units: list[Unit]
    shipping: int
    express: bool
    takeaway: bool
    placed_at: int
    account: Account
    bits_used: int
    waiting: int
    shipping_captured: bool = False
    historical: bool = False
    exchanged: "tuple[str, str] | None" = None
    coupon: "tuple[str, str] | None" = None
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def channel_type(self) -> str:
        """Where it was bought: in a store or on the web."""
        return "store" if self.store else "web"

    @property
    def channel(self) -> str:
        """The store, or the web shop."""
        return self.store.prefix if self.store else self.market.web_channel

    @property
    def service_level(self) -> str:
        """How fast its units are to reach the customer."""
        if self.takeaway:
            return "IN_STORE_HANDOVER"
        return "EXPRESS" if self.express else "STANDARD"

    @property
    def grand_total(self) -> int:
        """What the customer pays in all."""
        return sum(unit.gross(self.market) for unit in self.units) + self.shipping


def new_order(
    world: World,
    market: Market,
    store: Place | None,
    customer: Customer | None,
    *,
    takeaway: bool = False,
    products: Sequence[Product] | None = None,
) -> Order:
    """An order placed now, priced and taxed; its products are chosen unless they are given."""
    chance = world.chance
    if products is None:
        count = chance.pick((1, 1, 1, 2, 2, 2, 3, 3, 4, 6))
        products = [world.catalogue.wanted(chance) for _ in range(count)]
    units = [Unit(1 << index, chance.uuid(), product, product.price) for index, product in enumerate(products)]
    prefix = store.prefix if store else "NSD"
    external_id = f"{prefix}{world.next_number(prefix):09}"
    email = customer.email if customer else ""
    express = store is None and chance.happens(0.1)
    account = Account(chance.uuid(), market.currency)
    order = Order(
        account.order_id,
        external_id,
        market,
        store,
        customer,
        email,
        units,
        0,
        express,
        takeaway,
        world.now,
        account,
        len(units),
        len(units),
    )
    _discount(world, order)
    for unit in units:
        tax = tax_on if market.price_method == "tax_excluded" else tax_within
        unit.tax = tax(unit.net, market.tax_rate)
    if not takeaway and (express or sum(unit.price for unit in units) < 15_000):
        order.shipping = 1595 if express else 795
    return order


def exchange_order(world: World, original: Order, store: Place, units: Sequence[Unit], return_id: str) -> Order | None:
    """What somebody takes away for what they bring back: mostly the same in another size, at the same price.

    Its units are set aside, its payments stay on the account of the original order. None when the store does not have
    it.
    """
    chance = world.chance
    is_even = chance.happens(0.7)
    if is_even:
        products = [world.catalogue.instead_of(unit.product, chance) for unit in units]
    else:
        products = [world.catalogue.wanted(chance)]
    if any(world.stockroom.free(store, product) < len(products) for product in products):
        return None
    for product in products:
        world.stockroom.set_aside(store, product)
    order = new_order(world, original.market, store, original.customer, takeaway=True, products=products)
    if is_even:
        order.coupon = None
        for new, old in zip(order.units, units, strict=True):
            new.price, new.tax, new.discounts = old.price, old.tax, old.discounts
            new.item_discount, new.order_discount = old.item_discount, old.order_discount
    order.account = original.account
    order.exchanged = (original.id, return_id)
    return order


def _discount(world: World, order: Order) -> None:
    chance = world.chance
    for unit in order.units:
        if chance.happens(0.08):
            _add_discount(world, unit, "item", percent_of(unit.price, 20), ("percentage", 20, "Last piece"), None)
    if chance.happens(0.15):
        code, percent = chance.pick(PROMOTIONS)
        order.coupon = (chance.uuid(), code)
        for unit in order.units:
            amount = percent_of(unit.price - unit.item_discount, percent)
            _add_discount(world, unit, "order", amount, ("percentage", percent, f"Coupon {code}"), order.coupon)
    elif chance.happens(0.05):
        code, amount = chance.pick(VOUCHERS)
        # Some vouchers are given by staff and carry no code.
        order.coupon = (chance.uuid(), code if chance.happens(0.8) else "")
        nets = [unit.price - unit.item_discount for unit in order.units]
        for unit, part in zip(order.units, divide(min(amount, sum(nets)), nets), strict=True):
            _add_discount(world, unit, "order", part, ("fixed", number(amount), "Voucher"), order.coupon)


def _add_discount(
    world: World, unit: Unit, level: str, amount: int, kind: tuple[str, float, str], coupon: tuple[str, str] | None
) -> None:
    action, value, reason = kind
    discount = {
        "id": world.chance.uuid(),
        "price_adjustment": number(amount),
        "reason": reason,
        "action": action,
        "value": value,
        "level": level,
    }
    if coupon is not None:
        discount["externalRef"] = coupon[0]
        if coupon[1]:
            discount["coupon_code"] = coupon[1]
    unit.discounts.append(discount)
    if level == "item":
        unit.item_discount += amount
    else:
        unit.order_discount += amount


def order_body(world: World, order: Order) -> dict[str, Any]:
    """The payload of order.created."""
    chance, market, units = world.chance, order.market, order.units
    associate = world.associate_of(order.store) if order.store else None
    subtotal = sum(unit.price for unit in units)
    discounts = sum(unit.item_discount + unit.order_discount for unit in units)
    included = market.price_method == "tax_included"
    body: dict[str, Any] = {
        "id": order.id,
        "external_id": order.external_id,
        "created_at": clock.text(order.placed_at + 1500 if order.historical else world.now),
        "placed_at": clock.text(order.placed_at),
        "channel_type": order.channel_type,
        "channel": order.channel,
        "is_exchange": order.exchanged is not None,
        "is_historical": order.historical,
        "price_method": market.price_method,
        "subtotal": number(subtotal),
        "discount_total": number(discounts),
        "shipping_total": number(order.shipping),
        "shipping_tax": number(tax_within(order.shipping, market.tax_rate)) if included else 0,
        "tax_total": number(sum(unit.tax for unit in units)),
        "grand_total": number(order.grand_total),
        "currency": market.currency,
        "tax_strategy": market.tax_strategy,
        "tax_exempt": False,
        "extended_attributes": [{"name": "gift_wrap", "value": "False"}] if chance.happens(0.1) else [],
    }
    if order.store:
        body["demand_location_id"] = order.store.id
    if associate:
        body |= {"associate_id": associate.associate_id, "associate_email": associate.email}
    if order.exchanged:
        body["exchanges"] = [{"order_id": order.exchanged[0], "return_id": order.exchanged[1]}]
    if order.coupon:
        trigger = {"trigger": "coupon" if order.coupon[1] else "associate", "discount_id": order.coupon[0]}
        body["discounts"] = [trigger | ({"coupon_code": order.coupon[1]} if order.coupon[1] else {})]
    body |= _who(world, order)
    if chance.happens(0.02):
        # NewStore adds fields without a word.
        body["fraud_score"] = {"provider": "example", "score": chance.below(100)}
    body["items"] = [_item(world, order, unit) for unit in units]
    return body


def _who(world: World, order: Order) -> dict[str, Any]:
    customer = order.customer
    if customer is None:
        return {"customer_email": order.email}
    body: dict[str, Any] = {"customer_email": order.email}
    if not customer.is_guest:
        body["customer_id"] = customer.id
    if customer.number % 3 and not customer.is_guest:
        body["external_customer_id"] = f"CUST{customer.number:06}"
    spelling = world.chance.pick((0, 0, 0, 1, 2))
    address = customer.addresses[0].in_order(spelling) if customer.addresses else None
    if address and not order.takeaway:
        body |= {"billing_address": address, "shipping_address": address}
    return body


def _item(world: World, order: Order, unit: Unit) -> dict[str, Any]:
    product, market = unit.product, order.market
    item: dict[str, Any] = {
        "id": unit.id,
        "item_type": "product",
        "product_id": product.id,
        "pricebook_id": "default",
        "pricebook_price": number(unit.price),
        "list_price": number(product.list_price),
        "item_discounts": number(unit.item_discount),
        "order_discounts": number(unit.order_discount),
        "tax": number(unit.tax),
        "tax_provider_details": tax_lines(unit.tax, market),
        "quantity": 1,
        "status": "created",
        "is_preorder": False,
    }
    if world.chance.happens(0.9):
        item["tax_class"] = product.tax_class
    item["shipping_service_level"] = order.service_level
    if not order.takeaway:
        item["shipping_method"] = "traditional_carrier"
    if unit.discounts:
        item["discounts"] = unit.discounts
    if product.index % 5:
        item["external_identifiers"] = {"sku": product.sku, "ean13": product.ean13}
    if product.index % 11 == 0:
        item["extended_attributes"] = [{"name": "final_sale", "value": "False"}]
    return item


def tax_lines(tax: int, market: Market) -> list[dict[str, Any]]:
    """A unit's tax by authority; the lines add up to it."""
    amounts = divide(tax, [rate for _, rate in market.tax_lines])
    return [
        {"name": name, "amount": number(amount), "rate": rate / 100_000}
        for (name, rate), amount in zip(market.tax_lines, amounts, strict=True)
    ]


def with_status(body: dict[str, Any], status: str, units: Iterable[Unit]) -> dict[str, Any]:
    """The order's body at a later step: all units have that status, save the cancelled ones."""
    cancelled = {unit.id for unit in units if unit.is_cancelled}
    items = [item | {"status": "cancelled" if item["id"] in cancelled else status} for item in body["items"]]
    return body | {"items": items}
