"""One request as it came in, and why it may be no event."""

from enum import StrEnum

import msgspec


class Problem(StrEnum):
    """Why a delivery is kept without becoming an event; the first that applies, in this order."""

    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_ENVELOPE = "not_an_envelope"
    UNKNOWN_NAME = "unknown_name"
    TOO_LARGE = "too_large"
    MISSING_KEY = "missing_key"
    BAD_PUBLISHED_AT = "bad_published_at"


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One request as it came in. Times are microseconds since 1970 in UTC; what could not be read is None."""

    received_at: int
    tenant: str | None
    name: str | None
    idempotency_key: str | None
    published_at: int | None
    problem: Problem | None
    body: bytes
