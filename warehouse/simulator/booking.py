"""Books what happens into the daily figures: a sale on its day, what is cancelled or comes back on the day it is.

Amounts of sales are without tax, whether prices hold it or not; tax is an amount of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from warehouse.simulator.clock import DAY
from warehouse.simulator.figures import UNKNOWN, Seller, seller
from warehouse.simulator.shoppers import customer_key
from warehouse.simulator.truth import ExchangeTruth

if TYPE_CHECKING:
    from warehouse.simulator.orders import Order, Unit
    from warehouse.simulator.places import Place
    from warehouse.simulator.returning import Line
    from warehouse.simulator.world import World

PRODUCT: Final = "product"
GIFT_CARD: Final = "gift_card"
CHARGE: Final = "charge"
_KINDS: Final = {"product": PRODUCT, "gift-card": GIFT_CARD, "gift-wrapping": CHARGE}


def line_kind(world: World, unit: Unit) -> str:
    """What a line is: a product, a gift card as NewStore or the retailer calls it, or something charged besides."""
    return GIFT_CARD if world.reference.is_gift_card(unit.product.id) else _KINDS[unit.item_type]


def seller_of(order: Order) -> Seller:
    """Where the order was sold."""
    return seller(
        order.channel_type,
        order.channel,
        order.store.id if order.store else None,
        order.market.currency,
        is_historical=order.historical,
    )


def without_tax(order: Order, unit: Unit) -> int:
    """What a unit costs after all discounts, without tax."""
    return unit.net - unit.tax if order.market.tax_included else unit.net


def shipping_without_tax(order: Order) -> int:
    """What is charged for shipping; a tax inside it is apart."""
    return order.shipping - order.shipping_tax


def book_sale(world: World, order: Order, units: Sequence[Unit], priced: Sequence[Unit]) -> None:
    """Book an order with its header; `units` are all that are known of it, of the `priced` ones the header tells."""
    sold_by = seller_of(order)
    local = world.reference.local_time(order.placed_at, sold_by.location_id, sold_by.channel)
    kinds = [(unit, line_kind(world, unit)) for unit in priced]
    products = [unit for unit, kind in kinds if kind == PRODUCT]
    net_sales = sum(without_tax(order, unit) for unit in products)
    count = len(products) + sum(line_kind(world, unit) == PRODUCT for unit in units if unit not in priced)
    _book_customer(world, order, products, local.day, count, net_sales)
    if not order.historical:
        figures, sold = world.truth.figures, {"units": count, "net_sales": net_sales}
        gift_cards = sum(unit.net for unit, kind in kinds if kind == GIFT_CARD)
        figures.book(
            "daily_sales",
            (local.day, sold_by.channel_type, sold_by.channel, sold_by.currency),
            orders=1,
            units=count,
            gross_sales=sum(unit.price for unit in products),
            discounts=sum(unit.item_discount + unit.order_discount for unit in products),
            included_tax=sum(unit.tax for unit in products) if order.market.tax_included else 0,
            gift_cards_sold=gift_cards,
            charges=sum(without_tax(order, unit) for unit, kind in kinds if kind == CHARGE),
            shipping=shipping_without_tax(order),
            tax=sum(unit.tax for unit in priced) + order.shipping_tax,
        )
        location_id, currency = sold_by.location_id or UNKNOWN, sold_by.currency
        figures.book(
            "daily_store", (local.day, location_id, currency), sold_orders=1, sold_units=count, net_sales=net_sales
        )
        figures.book("daily_hours", (*local, sold_by.location_id, sold_by.channel, currency), orders=1, **sold)
        associate_id = order.associate_id or UNKNOWN
        figures.book("daily_associates", (local.day, associate_id, location_id, currency), orders=1, **sold)
        if gift_cards:
            figures.book("gift_cards", (local.day, currency), sold=gift_cards)
        _book_taxes(world, order, priced, (local.day, location_id))
    if order.exchanged is not None:
        original_order_id, return_id = order.exchanged
        world.truth.exchanges[order.id] = ExchangeTruth(
            return_id, original_order_id, local.day, order.grand_total, sold_by.currency
        )
    world.truth.figures.know(order.id, sold_by)


def _book_customer(world: World, order: Order, products: Sequence[Unit], day: int, count: int, net_sales: int) -> None:
    """Book whose order it is and the promotions it uses; one of a former system counts as an order and is no sale."""
    shoppers, currency = world.truth.shoppers, order.market.currency
    promotions: dict[str, list[int]] = {}
    if order.coupon is not None:
        # Of which there may be no unit.
        promotions[order.coupon[1] or order.coupon[0]] = [0, 0, 0, 0]
    for unit in products:
        for promotion, adjustment in _adjustments(unit).items():
            used = promotions.setdefault(promotion, [0, 0, 0, 0])
            more = (1, unit.price, adjustment, without_tax(order, unit))
            promotions[promotion] = [a + b for a, b in zip(used, more, strict=True)]
    if not order.historical:
        for promotion, numbers in promotions.items():
            # First and last days of use are told in UTC.
            shoppers.used((promotion, currency), order.placed_at // DAY, *numbers)
    customer_id = None if order.customer is None or order.customer.is_guest else order.customer.id
    key = customer_key(customer_id, order.email)
    if key is None:
        return
    page = shoppers.ordered(
        key,
        currency,
        (order.placed_at, order.id),
        day,
        order.channel,
        [(promotion, currency) for promotion in promotions],
        is_sale=not order.historical,
    )
    shoppers.of_order[order.id] = page
    if not order.historical:
        page.units += count
        page.net_sales += net_sales


def _adjustments(unit: Unit) -> dict[str, int]:
    """What each promotion takes off the unit, in cents: by a coupon's code, else a voucher's id, else the reason."""
    found: dict[str, int] = {}
    for discount in unit.discounts:
        key = discount.get("coupon_code") or discount.get("externalRef") or discount["reason"]
        found[key] = found.get(key, 0) + round(discount["price_adjustment"] * 100)
    return found


def _book_taxes(world: World, order: Order, units: Sequence[Unit], place: tuple[int, str]) -> None:
    country, currency = order.market.country, order.market.currency
    for unit in units:
        for name, cents in order.tax_by_name(unit.tax) if unit.tax else ():
            world.truth.figures.book("daily_taxes", (*place, name, country, currency), collected=cents)


def book_cancelled(
    world: World,
    order: Order,
    units: Sequence[Unit],
    is_priced: Callable[[Unit], bool],
    moment: int,
    *,
    is_rest: bool,
) -> None:
    """Book units that are cancelled; with the rest of an order its shipping is. What no header tells has no price.

    Gift cards, charges and shipping were no sales, so they are taken off where they were booked.
    """

    def book(sold_by: Seller | None) -> None:
        if sold_by is None or sold_by.is_historical:
            return
        day, _ = world.reference.local_time(moment, sold_by.location_id, sold_by.channel)
        kinds = dict.fromkeys((PRODUCT, GIFT_CARD, CHARGE), 0)
        for unit in units:
            if is_priced(unit):
                kinds[line_kind(world, unit)] += without_tax(order, unit)
        tax = sum(unit.tax for unit in units if is_priced(unit))
        world.truth.figures.book(
            "daily_sales",
            (day, sold_by.channel_type, sold_by.channel, sold_by.currency),
            cancelled_units=sum(line_kind(world, unit) == PRODUCT for unit in units),
            cancelled_sales=kinds[PRODUCT],
            cancelled_tax=tax + (order.shipping_tax if is_rest else 0),
            gift_cards_sold=-kinds[GIFT_CARD],
            charges=-kinds[CHARGE],
            shipping=-shipping_without_tax(order) if is_rest else 0,
        )
        if spending := world.truth.shoppers.of_order.get(order.id):
            spending.cancelled_sales += kinds[PRODUCT]

    if units or is_rest:
        world.truth.figures.when_known(order.id, book)


def book_returned(
    world: World,
    order_id: str | None,
    lines: Sequence[Line],
    place: Place,
    currency: str,
    fee: int,
    associate_id: str | None,
) -> None:
    """Book what comes back on its own day, where it was sold and where it came back to."""
    goods = [line for line in lines if not line.is_shipping]
    returned_sales = sum(line.amount - line.tax for line in goods)
    day, _ = world.reference.local_time(world.now, place.id)

    def book(sold_by: Seller | None) -> None:
        world.truth.figures.book(
            "daily_sales",
            (day, *((sold_by.channel_type, sold_by.channel) if sold_by else (UNKNOWN, UNKNOWN)), currency),
            returns=1,
            returned_units=len(goods),
            returned_sales=returned_sales,
            refunded_tax=sum(line.tax for line in lines),
            refunded_shipping=sum(line.amount - line.tax for line in lines if line.is_shipping),
            return_fees=fee,
            refunds=sum(line.adjusted for line in lines),
        )
        if order_id is not None and (spending := world.truth.shoppers.of_order.get(order_id)):
            spending.returned_sales += returned_sales

    figures = world.truth.figures
    if order_id is None:
        book(None)
    else:
        figures.when_known(order_id, book)
    came_back = {"returned_units": len(goods), "returned_sales": returned_sales}
    figures.book("daily_store", (day, place.id, currency), returns=1, **came_back)
    figures.book("daily_associates", (day, associate_id or UNKNOWN, place.id, currency), returned_sales=returned_sales)


def book_payment(
    world: World, order_id: str, currency: str, step: str, moves: Sequence[tuple[str, str, int]], moment: int
) -> None:
    """Book money that moved, as (method, provider, cents), where the order was placed."""
    figures = world.truth.figures

    def book(sold_by: Seller | None) -> None:
        location_id, channel = (sold_by.location_id, sold_by.channel) if sold_by else (None, None)
        day, _ = world.reference.local_time(moment, location_id, channel)
        for method, provider, cents in moves:
            key = (day, location_id or UNKNOWN, method, provider, currency)
            figures.book("daily_tenders", key, transactions=1, **{step: cents})
            if method == GIFT_CARD:
                column = "redeemed" if step == "captured" else "refunded_to"
                figures.book("gift_cards", (day, currency), **{column: cents})

    if step in ("captured", "refunded"):
        figures.when_known(order_id, book)
