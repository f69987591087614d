"""Payment accounts: an instrument never captures more than was authorized, nor gives back more than was captured."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from warehouse.simulator.chance import Chance
from warehouse.simulator.money import fraction, number
from warehouse.simulator.world import World


@dataclass(slots=True)
class Instrument:
    """A card, a gift card, cash; amounts in cents."""

    id: str
    method: str
    provider: str
    wallet: str | None = None
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    voided: int = 0


@dataclass(slots=True)
class Account:
    """The money side of an order; its id is the order's."""

    order_id: str
    currency: str
    instruments: list[Instrument] = field(default_factory=list)

    @property
    def uncaptured(self) -> int:
        """What may still be captured."""
        return sum(each.authorized - each.captured - each.voided for each in self.instruments)

    @property
    def refundable(self) -> int:
        """What may still be given back."""
        return sum(each.captured - each.refunded for each in self.instruments)


_WEB: Final = (
    ("credit_card", "adyen", None),
    ("credit_card", "adyen", "applepay"),
    ("credit_card", "stripe", None),
    ("credit_card", "stripe", "googlepay"),
)
_STORE: Final = (("cash", "cash", None), ("credit_card", "adyen", None), ("credit_card", "adyen", None))


def authorize(world: World, account: Account, amount: int, *, in_store: bool) -> None:
    """Authorize an amount on a card or cash, and sometimes a part of it on a gift card."""
    if amount <= 0:
        return
    chance = world.chance
    added = []
    if chance.happens(0.07):
        gift = min(amount, 2500)
        card = Instrument(str(chance.between(6_400_000_000_000_000, 6_499_999_999_999_999)), "gift_card", "gift_card")
        card.authorized = gift
        amount -= gift
        added.append(card)
    if amount:
        method, provider, wallet = chance.pick(_STORE if in_store else _WEB)
        added.append(Instrument(chance.uuid(), method, provider, wallet, amount))
    account.instruments += added
    moves = [(each, each.authorized) for each in added]
    # Two instruments are authorized by one call or by two.
    for part in [moves] if chance.happens(0.5) else [[move] for move in moves]:
        if _tell(world, account, "authorized", part, ""):
            world.truth.account(account.order_id, account.currency).authorized += sum(cents for _, cents in part)


def capture(world: World, account: Account, amount: int) -> None:
    """Capture an amount, as far as it is authorized, gift cards first."""
    moves = []
    for each in account.instruments:
        part = min(amount, each.authorized - each.captured - each.voided)
        if part > 0:
            each.captured += part
            amount -= part
            moves.append((each, part))
    if moves and _tell(world, account, "captured", moves, ""):
        world.truth.account(account.order_id, account.currency).captured += sum(cents for _, cents in moves)


def refund(world: World, account: Account, amount: int, correlation_id: str, reason: str | None = None) -> None:
    """Give an amount back, as far as it was captured, cards before gift cards."""
    moves = []
    for each in reversed(account.instruments):
        part = min(amount, each.captured - each.refunded)
        if part > 0:
            each.refunded += part
            amount -= part
            moves.append((each, part))
    if moves and _tell(world, account, "refunded", moves, correlation_id, reason):
        world.truth.account(account.order_id, account.currency).refunded += sum(cents for _, cents in moves)


def void_rest(world: World, account: Account, reason: str | None = None) -> None:
    """Release all that is authorized and will not be captured."""
    moves = []
    for each in account.instruments:
        part = each.authorized - each.captured - each.voided
        if part > 0:
            each.voided += part
            moves.append((each, part))
    if moves and _tell(world, account, "voided", moves, "", reason):
        world.truth.account(account.order_id, account.currency).voided += sum(cents for _, cents in moves)


def _tell(
    world: World,
    account: Account,
    step: str,
    moves: list[tuple[Instrument, int]],
    correlation_id: str,
    reason: str | None = None,
) -> bool:
    """payment_account.amount_…: one transaction for each instrument, and the reason where somebody gave one."""
    transactions = []
    for instrument, cents in moves:
        transaction: dict[str, Any] = {
            "id": _transaction_id(world.chance, instrument, step),
            "instrument_id": instrument.id,
            "amount": _amount(instrument, step, cents),
            "currency": account.currency,
            "correlation_id": correlation_id or world.chance.hexadecimal(16),
        }
        if instrument.provider == "adyen":
            transaction["extended_attributes"] = {}
        if reason:
            transaction["reason"] = reason
        transactions.append(transaction)
    payload = {
        "id": account.order_id,
        "order_id": account.order_id,
        "transactions": transactions,
        "instruments": list(_instruments(moves)),
    }
    if not world.tell(f"payment_account.amount_{step}", payload):
        return False
    if reason:
        world.truth.give_reason(account.order_id, account.currency, step, reason, sum(cents for _, cents in moves))
    return True


def _instruments(moves: list[tuple[Instrument, int]]) -> Iterator[dict[str, Any]]:
    for each, _ in moves:
        said = {"id": each.id, "payment_method": each.method, "payment_provider": each.provider}
        yield said | {"payment_wallet": each.wallet} if each.wallet else said


def _amount(instrument: Instrument, step: str, cents: int) -> float:
    if step != "refunded":
        return number(cents)
    # Nobody promises the sign of money given back: gift card services write it as a debit.
    return -fraction(cents) if instrument.method == "gift_card" else fraction(cents)


def _transaction_id(chance: Chance, instrument: Instrument, step: str) -> str:
    if instrument.provider == "stripe":
        return f"{step}:ch_{chance.hexadecimal(24)}"
    if instrument.provider == "adyen":
        return f"{chance.between(10**15, 10**16 - 1)}"
    return chance.uuid()
