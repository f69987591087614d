"""The one reading of a time: `published_at` and the times in payloads are read by it, and written alike for DuckDB.

It takes whatever NewStore or DuckDB was seen to take. What is not written as RFC 3339 has it is read and told as drift.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

# What NewStore documents, and nearly always sends: read by the standard library in a third of the time.
_DOCUMENTED: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", re.ASCII)
_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\dT(?!24)\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
# A blank after a colon, digits left out, a comma, a zone in other words, no time of day, no zone at all.
_TIME: Final = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)"
    r"(?:(?:[Tt]| +)(\d\d?): ?(\d\d?)(?:: ?(\d\d?)(?:[.,](\d*))?)?"
    r" ?((?i:Z|UTC|GMT)|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?)?",
    re.ASCII,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_EARLIEST: Final = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LATEST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_END_OF_DAY: Final = (24, 0, 0, 0)

# RFC 3339 in UTC or with an offset, of a day that is in every year: DuckDB reads it as `parse_time` does, and nothing
# has to be said of it. This is a pattern for a decoder, and so anchored.
USUAL_PATTERN: Final = (
    r"^[12]\d{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)\Z"
)


def parse_time(text: str) -> int | None:
    """Microseconds since 1970 in UTC, further digits cut off; None when `text` is no time of the years 1 to 9999.

    A time without a zone is taken as UTC, a day as its beginning, and 24:00 as the end of its day.
    """
    if _DOCUMENTED.fullmatch(text):
        try:
            return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND
        except ValueError:
            # It may be 24:00.
            pass
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    micros = int(f"{fraction or '':0<6.6}")
    is_end = (int(hour or 0), int(minute or 0), int(second or 0), micros) == _END_OF_DAY
    try:
        midnight = datetime(int(year), int(month), int(day), tzinfo=UTC)
        hours = timedelta(days=1) if is_end else _since_midnight(int(hour or 0), int(minute or 0), int(second or 0))
        offset = _offset(zone)
    except ValueError:
        return None
    result = (midnight - _EPOCH + hours - offset) // _MICROSECOND + micros
    return result if _EARLIEST <= result <= _LATEST else None


def written_time(micros: int) -> str:
    """A moment that `parse_time` gave, as DuckDB reads it back."""
    return f"{(_EPOCH + micros * _MICROSECOND).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def oddity_of(text: str) -> str | None:
    """How a time that can be read departs from RFC 3339, as `trust.contract_drift` calls it; None when it does not."""
    if _RFC_3339.fullmatch(text):
        return None
    match = _TIME.fullmatch(text.strip())
    return "unusual_time" if match is None or match[8] else "time_without_zone"


def _since_midnight(hours: int, minutes: int, seconds: int) -> timedelta:
    """A time of day; raises ValueError when there is none such."""
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError("no time of day")
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _offset(zone: str | None) -> timedelta:
    """What a zone is ahead of UTC; raises ValueError when none is so far."""
    if not zone or zone[0] not in "+-":
        return timedelta()
    digits = f"{zone[1:].replace(':', ''):0<6}"
    offset = _since_midnight(int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    return offset if zone[0] == "+" else -offset
