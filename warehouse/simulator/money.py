"""Money as whole cents: nothing here is ever rounded twice, and what is divided adds up again."""

from collections.abc import Sequence
from decimal import Decimal

# Tax rates are whole numbers of 1/100,000: 8,875 is 8.875 %.
RATE_UNIT = 100_000


def number(cents: int) -> float:
    """As a JSON number in major units, without a fraction where there is none: 58, 4.94.

    The nearest double is written with the fewest digits that name it, which are the cents again.
    """
    return cents // 100 if cents % 100 == 0 else cents / 100


def fraction(cents: int) -> float:
    """As a JSON number in major units, always with a fraction: 58.0, 4.94."""
    return cents / 100


def decimal(cents: int) -> Decimal:
    """In major units, with two decimals."""
    return Decimal(cents).scaleb(-2)


def percent_of(cents: int, percent: int) -> int:
    """That many per cent, half a cent going up."""
    return (cents * percent + 50) // 100


def tax_on(net: int, rate: int) -> int:
    """The tax that comes on top of a price without it."""
    return (net * rate + RATE_UNIT // 2) // RATE_UNIT


def tax_within(gross: int, rate: int) -> int:
    """The tax that a price with it contains."""
    return gross - (gross * RATE_UNIT + (RATE_UNIT + rate) // 2) // (RATE_UNIT + rate)


def divide(cents: int, weights: Sequence[int]) -> list[int]:
    """The amount in parts by weight, which add up to it; none is above its weight unless the amount is above all."""
    parts, left, weight_left = [], cents, sum(weights)
    for weight in weights:
        part = left * weight // weight_left if weight_left else 0
        parts.append(part)
        left -= part
        weight_left -= weight
    return parts
