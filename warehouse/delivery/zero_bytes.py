"""A zero byte in a text of JSON is read as the sign for it, ␀, whoever reads it.

DuckLake puts the values of a filter into statements to its catalog, which a zero byte would cut. The log keeps the body
as it was sent.
"""

import re
from typing import Final

SIGN: Final = "\N{SYMBOL FOR NULL}"
# JSON holds a zero byte only in this form, behind an even number of backslashes.
ESCAPED: Final = b"\\u0000"
_ESCAPED: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def without_zeros(body: bytes) -> bytes:
    """The JSON with the sign for each zero byte in its texts; the very same object when it holds none."""
    return _ESCAPED.sub(rb"\1" + SIGN.encode(), body) if ESCAPED in body else body
