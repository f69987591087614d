"""Texts as they are compared: however a person's data are spelled or encoded, they are one text."""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

# A shorter run of digits is a quantity, a price or a part of an id.
FEWEST_DIGITS: Final = 7
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_EMAIL: Final = re.compile(r"[\w.!#$&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
_TOKEN: Final = re.compile(r"[\w.+-]{8,}")
_DIGITS: Final = re.compile(r"\+?\d[\d ()/.-]{5,}\d")
_NO_DIGIT: Final = re.compile(r"\D")


def comparable(text: str) -> str:
    """A text in small letters, without the escapes of JSON and of addresses of the web."""
    if "\\u" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    return (unquote(text) if "%" in text else text).casefold()


def readable(body: bytes) -> str:
    """A body as text, whatever its bytes are; of two-byte letters, which zeros betray, those that are also ASCII."""
    return body.replace(b"\0", b"").decode("utf-8", "replace")


def email_key(text: str) -> str:
    """What tells an e-mail address from others; "" for a text that is none."""
    key = text.strip().casefold()
    return key if "@" in key else ""


def phone_key(text: str) -> str:
    """What tells a phone number from others: its digits, without what stands for a country; "" for too few."""
    digits = _NO_DIGIT.sub("", text).lstrip("0")
    return digits if len(digits) >= FEWEST_DIGITS else ""


def emails_in(text: str) -> set[str]:
    """The keys of all e-mail addresses in a text."""
    return {email_key(found) for found in _EMAIL.findall(comparable(text))} if "@" in comparable(text) else set()


def phones_in(text: str) -> set[str]:
    """The keys of all that may be a phone number in a text."""
    return {phone_key(found) for found in _DIGITS.findall(text)} - {""}


def ids_in(text: str) -> set[str]:
    """Everything in a text that may be an id, in the letters it has."""
    return set(_TOKEN.findall(text))


def leaves(value: Any) -> Iterator[str]:
    """Every text and number within a value of JSON, as text."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            left += each.values()
        elif isinstance(each, list):
            left += each
        elif isinstance(each, str):
            yield each
        elif each is not None and not isinstance(each, bool):
            yield str(each)
