"""The deliveries of a simulation as a file, an envelope a line."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from warehouse.progress import Progress
from warehouse.system.whole_file import whole_file

LINES_PER_REPORT: Final = 1000


def write_ndjson(simulation: Iterable[bytes], path: Path, progress: Progress | None = None) -> int:
    """Write the deliveries into a file, one a line, once all are there; gives their number.

    A body broken so that it holds a line break stays one line: breaks become blanks. `progress` is called with lines.
    """
    count = 0
    with whole_file(path) as stream:
        for body in simulation:
            stream.write(body.replace(b"\n", b" ") + b"\n")
            count += 1
            if progress is not None and count % LINES_PER_REPORT == 0:
                progress(count, None)
    return count
