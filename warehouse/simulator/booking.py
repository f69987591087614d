"""Books what happens into the daily figures: a sale on its day, what is cancelled or comes back on the day it is.

Amounts of sales are without tax, whether prices hold it or not; tax is an amount of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from warehouse.simulator.clock import DAY
from warehouse.simulator.figures import UNKNOWN, Figures, Seller, seller
from warehouse.simulator.money import CHARGE, GIFT_CARD, PRODUCT
from warehouse.simulator.shoppers import customer_key
from warehouse.simulator.truth import ExchangeTruth

if TYPE_CHECKING:
    from warehouse.simulator.orders import Order, Unit
    from warehouse.simulator.places import Place
    from warehouse.simulator.reference import LocalTime
    from warehouse.simulator.returning import Line
    from warehouse.simulator.world import World


def seller_of(order: Order) -> Seller:
    """Where the order was sold."""
    return seller(
        order.channel_type,
        order.channel,
        order.store.id if order.store else None,
        order.market.currency,
        order.associate_id,
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
    sold_by, figures = seller_of(order), world.truth.figures
    local = world.reference.local_time(order.placed_at, sold_by.location_id, sold_by.channel)
    net = _by_kind(order, priced)
    products = [unit for unit in priced if unit.kind == PRODUCT]
    count = sum(unit.kind == PRODUCT for unit in units)
    _book_customer(world, order, products, local.day, count, net[PRODUCT])
    if not order.historical:
        figures.book(
            "daily_sales",
            (local.day, sold_by.channel_type, sold_by.channel, sold_by.currency),
            orders=1,
            units=count,
            gross_sales=sum(unit.price for unit in products),
            discounts=sum(unit.item_discount + unit.order_discount for unit in products),
            included_tax=sum(unit.tax for unit in products) if order.market.tax_included else 0,
            gift_cards_sold=net[GIFT_CARD],
            charges=net[CHARGE],
            shipping=shipping_without_tax(order),
            tax=sum(unit.tax for unit in priced) + order.shipping_tax,
        )
        _book_place(figures, sold_by, local, count, net[PRODUCT])
        if net[GIFT_CARD]:
            figures.book("gift_cards", (local.day, sold_by.currency), sold=net[GIFT_CARD])
        _book_taxes(world, order, priced, sold_by, local.day, "collected", with_shipping=True)
    if order.exchanged is not None:
        original_order_id, return_id = order.exchanged
        world.truth.exchanges[order.id] = ExchangeTruth(
            return_id, original_order_id, local.day, order.grand_total, sold_by.currency
        )
    figures.know(order.id, sold_by)


def _by_kind(order: Order, units: Sequence[Unit]) -> dict[str, int]:
    """What units of each kind cost without tax."""
    net, included = {PRODUCT: 0, GIFT_CARD: 0, CHARGE: 0}, order.market.tax_included
    for unit in units:
        net[unit.kind] += unit.net - unit.tax if included else unit.net
    return net


def _book_place(figures: Figures, sold_by: Seller, local: LocalTime, units: int, net_sales: int) -> None:
    """Book who sold so much, where and when."""
    (day, hour), location_id, currency = local, sold_by.location_id, sold_by.currency
    sold = {"units": units, "net_sales": net_sales}
    key = (day, hour, sold_by.channel_type, sold_by.channel, location_id or UNKNOWN, currency)
    figures.book("daily_hours", key, orders=1, **sold)
    if location_id is not None:
        figures.book("daily_store", (day, location_id, currency), sold_orders=1, sold_units=units, net_sales=net_sales)
    if sold_by.associate_id is not None:
        associate = (day, sold_by.associate_id, location_id or UNKNOWN, currency)
        figures.book("daily_associates", associate, orders=1, **sold)


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


def _book_taxes(
    world: World,
    order: Order,
    units: Sequence[Unit],
    sold_by: Seller,
    day: int,
    column: str,
    *,
    with_shipping: bool,
) -> None:
    """Book the taxes of units by their names, that of shipping without one."""
    figures, place = world.truth.figures, (day, sold_by.location_id or UNKNOWN)
    sums: dict[str, int] = {}
    for unit in units:
        for name, cents in unit.taxes:
            sums[name] = sums.get(name, 0) + cents
    for name, cents in sums.items():
        figures.book("daily_taxes", (*place, name, order.market.country, sold_by.currency), **{column: cents})
    if with_shipping and order.shipping_tax:
        key = (*place, UNKNOWN, UNKNOWN, sold_by.currency)
        figures.book("daily_taxes", key, **{column: order.shipping_tax})


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
        priced = [unit for unit in units if is_priced(unit)]
        kinds = _by_kind(order, priced)
        tax = sum(unit.tax for unit in priced)
        world.truth.figures.book(
            "daily_sales",
            (day, sold_by.channel_type, sold_by.channel, sold_by.currency),
            cancelled_units=sum(unit.kind == PRODUCT for unit in units),
            cancelled_sales=kinds[PRODUCT],
            cancelled_tax=tax + (order.shipping_tax if is_rest else 0),
            gift_cards_sold=-kinds[GIFT_CARD],
            charges=-kinds[CHARGE],
            shipping=-shipping_without_tax(order) if is_rest else 0,
        )
        _book_taxes(world, order, priced, sold_by, day, "cancelled", with_shipping=is_rest)
        if kinds[GIFT_CARD]:
            world.truth.figures.book("gift_cards", (day, sold_by.currency), cancelled=kinds[GIFT_CARD])
        if spending := world.truth.shoppers.of_order.get(order.id):
            spending.cancelled_sales += kinds[PRODUCT]

    if units or is_rest:
        world.truth.figures.when_known(order.id, book)


def book_returned(
    world: World, order_id: str | None, lines: Sequence[Line], place: Place, currency: str, fee: int
) -> None:
    """Book what comes back on its own day, where it was sold and where it came back to."""
    goods = [line for line in lines if not line.is_shipping]
    returned_sales = sum(line.amount - line.tax for line in goods)
    day, _ = world.reference.local_time(world.now, place.id)
    figures = world.truth.figures

    def book(sold_by: Seller | None) -> None:
        figures.book(
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
        _book_refunded_taxes(figures, lines, (day, place.id), currency, is_known=sold_by is not None)
        if sold_by and sold_by.associate_id is not None:
            key = (day, sold_by.associate_id, sold_by.location_id or UNKNOWN, currency)
            figures.book("daily_associates", key, returned_sales=returned_sales)
        if order_id is not None and (spending := world.truth.shoppers.of_order.get(order_id)):
            spending.returned_sales += returned_sales

    if order_id is None:
        book(None)
    else:
        figures.when_known(order_id, book)
    key = (day, place.id, currency)
    figures.book("daily_store", key, returns=1, returned_units=len(goods), returned_sales=returned_sales)


def _book_refunded_taxes(
    figures: Figures, lines: Sequence[Line], place: tuple[int, str], currency: str, *, is_known: bool
) -> None:
    """Book the taxes that come back, by the names they have in the order, if it was told."""
    for line in lines:
        named = line.taxes if is_known else ()
        for name, cents in named:
            key = (*place, name, line.country, currency)
            figures.book("daily_taxes", key, refunded=cents, is_apportioned=1)
        if line.tax and not named:
            figures.book("daily_taxes", (*place, UNKNOWN, UNKNOWN, currency), refunded=line.tax)


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
