"""What a field of a reference file may hold: each check gives the value as it is delivered, or what is allowed.

A check is a function of the text alone. Blanks around it and the empty text have been dealt with before.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final, NamedTuple
from zoneinfo import available_timezones

Value = str | bool | Decimal

LONGEST: Final = 500
FISCAL_CALENDARS: Final = ("gregorian", "nrf-4-5-4", "4-4-5", "5-4-4")
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# ISO 4217, the codes of money in use.
CURRENCIES: Final = frozenset(
    re.findall(
        "[A-Z]{3}",
        """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
    CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR
    ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
    MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES
    VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """,
    )
)
# Controls, and signs without a width by which two ids that look alike differ.
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
_DAY: Final = re.compile(r"[12]\d{3}-\d\d-\d\d", re.ASCII)
_MONTH_AND_DAY: Final = re.compile(r"\d\d-\d\d", re.ASCII)
_DECIMAL: Final = re.compile(r"\d{1,14}(?:\.\d+)?", re.ASCII)


class Allowed(NamedTuple):
    """Why a value is none: what would be one, as the rest of `allowed is …`."""

    what: str


Check = Callable[[str], Value | Allowed]


def text(value: str) -> Value | Allowed:
    """Any text of one line."""
    if len(value) > LONGEST or _UNPRINTABLE.search(value):
        return Allowed(f"one line of at most {LONGEST} characters that can be seen")
    return value


def one_of(values: Iterable[str]) -> Check:
    """One of these words, in lower case however it is written."""
    known = tuple(values)

    def check(value: str) -> Value | Allowed:
        return value.lower() if value.lower() in known else Allowed("one of " + ", ".join(known))

    return check


def zone(value: str) -> Value | Allowed:
    """The name of a time zone, spelled as the IANA database has it."""
    zones = _zones()
    if value in zones.values():
        return value
    near = zones.get(value.lower())
    hint = f"; is it {near}?" if near else ""
    return Allowed(f"the name of a time zone, such as Europe/Berlin or America/New_York{hint}")


def currency(value: str) -> Value | Allowed:
    """A code of ISO 4217."""
    return value if value in CURRENCIES else Allowed("a code of ISO 4217 in capitals, such as EUR or USD")


def country(value: str) -> Value | Allowed:
    """Two capitals, as ISO 3166 has them."""
    return value if re.fullmatch("[A-Z]{2}", value) else Allowed("two capitals of ISO 3166, such as DE or US")


def day(value: str) -> Value | Allowed:
    """A day of the calendar."""
    if _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    return Allowed("a day as YYYY-MM-DD, such as 2025-01-31")


def month_and_day(value: str) -> Value | Allowed:
    """A day that is in every year."""
    if _MONTH_AND_DAY.fullmatch(value):
        try:
            # A year without 29 February.
            return date.fromisoformat(f"2001-{value}").isoformat()[5:]
        except ValueError:
            pass
    return Allowed("a day that every year has, as MM-DD, such as 02-01")


def boolean(value: str) -> Value | Allowed:
    """Yes or no."""
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return words.get(value.lower(), Allowed("true or false"))


def amount(value: str) -> Value | Allowed:
    """Money, or another measure, that is not below zero and has four decimals at most."""
    if _DECIMAL.fullmatch(value) and len(value.partition(".")[2]) <= 4:
        return Decimal(value)
    return Allowed("a number of at most four decimals with a point and no other sign, such as 1250.50")


def rate(value: str) -> Value | Allowed:
    """What one unit is worth: above zero. A text, since it must stay exact."""
    if _DECIMAL.fullmatch(value) and len(value.partition(".")[2]) <= 12 and Decimal(value) > 0:
        return f"{Decimal(value).normalize():f}"
    return Allowed("a number above 0 with a point and at most twelve decimals, such as 1.0873")


@cache
def _zones() -> dict[str, str]:
    # `localtime` is whatever this machine has.
    return {name.lower(): name for name in available_timezones() - {"localtime"}}
