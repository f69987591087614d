"""JSON of which nothing is lost on the way: every number exact, and whatever an object has twice is known."""

import json
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any, Final

# Python makes no number of more digits than these, and no column has room for one.
_MOST_DIGITS: Final = 4_300


class Repeating(dict[str, Any]):
    """An object in which some members stood twice."""

    def __init__(self, members: dict[str, Any], repeated: frozenset[str]) -> None:
        super().__init__(members)
        self.repeated = repeated


def parse_exactly(text: bytes) -> tuple[Any, bool]:
    """A value, of members that stand twice the last one, and whether any object in it has a member twice."""
    repeating = False

    def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeating
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        repeating = True
        counts = Counter(name for name, _ in pairs)
        return Repeating(value, frozenset(name for name, count in counts.items() if count > 1))

    value = json.loads(text, object_pairs_hook=make_object, parse_float=_number, parse_int=_whole)
    return value, repeating


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        # Its exponent has 19 digits. No column tells such a number from another, nor from nothing.
        mantissa, _, exponent = text.lower().partition("e")
        return Decimal(0) if exponent.startswith("-") or not float(mantissa) else Decimal("1e999999")


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= _MOST_DIGITS else Decimal(text)
