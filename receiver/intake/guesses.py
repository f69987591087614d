"""How many wrong keys an address may show: a hundred at once, and ten a second from then on.

What is remembered is bounded, whoever knocks from however many addresses: those that were quiet longest are forgotten.
"""

from collections import OrderedDict
from ipaddress import IPv6Address
from time import monotonic
from typing import Final

AT_ONCE: Final = 100
A_SECOND: Final = 10.0
ADDRESSES: Final = 4096


class Guesses:
    """The wrong keys of late, by address; an IPv6 network of /64, which one client may have whole, is one."""

    def __init__(self) -> None:
        # How many have not been forgiven yet, and when that was so; the address that came last is last.
        self._wrong: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def are_too_many(self, address: str) -> bool:
        """Count one more from this address; whether there were too many before it."""
        now, who = monotonic(), _network(address)
        count, then = self._wrong.pop(who, (0.0, now))
        count = max(0.0, count - (now - then) * A_SECOND)
        too_many = count >= AT_ONCE
        self._wrong[who] = (count if too_many else count + 1, now)
        if len(self._wrong) > ADDRESSES:
            self._wrong.popitem(last=False)
        return too_many


def _network(address: str) -> str:
    if ":" not in address:
        return address
    try:
        return IPv6Address(address.partition("%")[0]).packed[:8].hex()
    except ValueError:
        # A socket of another kind.
        return address
