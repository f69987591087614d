"""Idempotency keys: which fields of a payload make one, and the text they make.

The text is a function of the payload's values alone: the same event gives the same key whoever computes it, and two
different lists of values never give the same text, since `%`, `/` and `,` are escaped inside a value.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import isfinite

from msgspec import Struct

# What JSON takes for white space is no part of a text at its ends.
BLANKS = " \t\r\n"

_ESCAPES = str.maketrans({"%": "%25", "/": "%2F", ",": "%2C"})


class KeyPart(Struct, frozen=True):
    """One part of a key: the steps from the payload's top to a value, the first of them a list if `through_list`."""

    path: tuple[str, ...]
    through_list: bool
    optional: bool

    def text(self, payload: Mapping[str, object]) -> str:
        """This part of the key's text, or "" when the payload holds no text and no number there."""
        if not self.through_list:
            return escape(value_text(_walk(payload, self.path)))
        elements = payload.get(self.path[0])
        return list_text(_walk(e, self.path[1:]) for e in elements) if isinstance(elements, list) else ""


def parse_key_part(text: str) -> KeyPart | None:
    """A part as the contract file writes it, `items[].id?`, or None for a path that goes through a list further in."""
    path = text.removesuffix("?")
    steps = path.split(".")
    through_list = steps[0].endswith("[]") and len(steps) > 1
    if through_list:
        steps[0] = steps[0].removesuffix("[]")
    if any("[" in step for step in steps):
        return None
    return KeyPart(tuple(steps), through_list, text.endswith("?"))


def join_parts(parts: Iterable[tuple[KeyPart, str]]) -> str | None:
    """The key's text from each part's own, or None when a required part is empty."""
    texts = []
    for part, text in parts:
        if not text and not part.optional:
            return None
        texts.append(text)
    return "/".join(texts)


def value_text(value: object) -> str:
    """A text without the blanks around it, a number without a fraction of zero (9, 9.0, "9" and " 9 " are one); "" for
    anything else, and for a number that no double holds."""
    if isinstance(value, str):
        return value.strip(BLANKS)
    if isinstance(value, bool):
        return ""
    if isinstance(value, float | Decimal):
        number = float(value)
        if not isfinite(number):
            return ""
        return str(int(number)) if number.is_integer() else repr(number)
    return str(value) if isinstance(value, int) else ""


def list_text(values: Iterable[object]) -> str:
    """The distinct values of a list, sorted by code point, escaped and joined by commas; empty ones are left out."""
    return ",".join(escape(text) for text in sorted({value_text(v) for v in values} - {""}))


def escape(text: str) -> str:
    """The text with the characters that separate parts and values replaced."""
    # Nearly every value is an id, in which there is nothing to replace.
    return text.translate(_ESCAPES) if "%" in text or "/" in text or "," in text else text


def _walk(value: object, path: Iterable[str]) -> object:
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value
