"""Asks whoever writes to a journal to begin another one, so that the first can be sealed to its end and deleted.

A receiver keeps a journal open for up to an hour. Who asks leaves the journals' names in a file beside them; a receiver
looks every few seconds. Nothing hangs on it: unasked, the journal is let go of at its time.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from warehouse.journal.reader import Journal

FILE: Final = "journals.asked"
POLL_SECONDS: Final = 0.2


def is_asked_for(journal: Path) -> bool:
    """Whether somebody waits for this journal to be let go of; false as well when that cannot be found out."""
    try:
        return journal.name in (journal.parent / FILE).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return False


def wait_for_journals(folder: Path, journals: Iterable[Path], seconds: float) -> list[Path]:
    """Have these journals let go of; those that still are in use after so many seconds. Raises OSError."""
    live = _live(journals)
    if not live:
        return []
    asked = folder / FILE
    draft = asked.with_suffix(".tmp")
    draft.write_text("".join(f"{path.name}\n" for path in live), encoding="utf-8")
    draft.replace(asked)
    try:
        deadline = time.monotonic() + seconds
        while (live := _live(live)) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return live
    finally:
        asked.unlink(missing_ok=True)


def _live(journals: Iterable[Path]) -> list[Path]:
    live = []
    for path in journals:
        try:
            with Journal(path) as journal:
                if journal.live:
                    live.append(path)
        except FileNotFoundError:
            continue
    return live
