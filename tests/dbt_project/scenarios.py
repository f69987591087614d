"""What the scenarios share: how an event is written, at what time of a day in March 2026, and how rows are read."""

from datetime import UTC, datetime
from typing import Any

import duckdb


def event(name: str, day: int, **payload: object) -> dict[str, Any]:
    """An envelope published at noon of that day."""
    published_at = f"2026-03-{day:02}T12:00:00Z"
    return {"tenant": "acme", "name": name, "published_at": published_at, "payload": payload}


def noon(day: int) -> datetime:
    """When an event of that day is published."""
    return datetime(2026, 3, day, 12, tzinfo=UTC)


def rows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """What a query gives."""
    return con.execute(query).fetchall()
