"""Bounds for texts that come from outside: an event may be called anything, and ten megabytes of it."""

from typing import Final

# No event, key or tenant of NewStore's is half as long; what is longer is a mistake or an attack.
LONGEST_LETTERS: Final = 200
CUT: Final = "…"


def shortened(text: str, longest: int = LONGEST_LETTERS) -> str:
    """The text with at most so many characters; where something is left out it ends in an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + CUT


def shortened_sql(expression: str, longest: int = LONGEST_LETTERS) -> str:
    """The same of a text column in DuckDB's SQL."""
    cut = f"left({expression}, {longest - 1}) || '{CUT}'"
    return f"case when length({expression}) > {longest} then {cut} else {expression} end"
