"""How much is measured: rounds, how long each load lasts, how many events are moved."""

from pathlib import Path

import msgspec


class Plan(msgspec.Struct, frozen=True):
    """`folder` is on the disk that is measured; loads last `seconds`, and wrk makes those of a second or more."""

    folder: Path
    rounds: int
    seconds: float
    connections: tuple[int, ...]
    events: int


def full(folder: Path) -> Plan:
    """What docs/performance.md shows: under ten minutes."""
    return Plan(folder, rounds=5, seconds=2, connections=(1, 16, 64, 256), events=150_000)


def quick(folder: Path) -> Plan:
    """Whether everything still runs; its figures mean little."""
    return Plan(folder, rounds=1, seconds=0.2, connections=(1, 64), events=2_000)
