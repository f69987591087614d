"""Where the deliveries of a simulation go: into a file, an envelope a line, or to a receiver."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from warehouse import posting
from warehouse.posting import PostReport

Progress = Callable[[int, int | None], None]

LINES_PER_REPORT: Final = 1000


def write_ndjson(simulation: Iterable[bytes], path: Path, progress: Progress | None = None) -> int:
    """Write the deliveries into a file, one a line, replacing what is there; gives their number.

    A body broken so that it holds a line break stays one line: breaks become blanks. `progress` is called with lines.
    """
    count = 0
    with path.open("wb") as stream:
        for body in simulation:
            stream.write(body.replace(b"\n", b" ") + b"\n")
            count += 1
            if progress is not None and count % LINES_PER_REPORT == 0:
                progress(count, None)
    return count


def post(
    simulation: Iterable[bytes], url: str, key: str, connections: int = 16, progress: Progress | None = None
) -> PostReport:
    """Post the deliveries to a receiver as NewStore does, each until it is answered with 200. Raises PostError."""
    return posting.post(url, key, simulation, connections, progress)
