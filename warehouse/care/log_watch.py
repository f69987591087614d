"""Looks through the files of the lake by itself, a little at a time, so that damage is found while it can be mended.

What was looked at, when, and what was found stands in a note of the home. It speaks of the files that are the lake now:
one that has not been looked at counts as that, and as nothing else.
"""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from warehouse.errors import NoteError
from warehouse.notes.log_watch_note import LogWatch, Look, log_watch_path, read_log_watch
from warehouse.settings import Settings
from warehouse.system.note_file import write_note
from warehouse.system.sources import explain
from warehouse.system.texts import shortened

if TYPE_CHECKING:
    from warehouse.care.defect import Defect
    from warehouse.care.verify import CheckedFile

# A look takes so many seconds of a processor, and the next one begins after at least this pause, or so many times what
# the last took: one part in fifty of one core.
LOOK_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 600.0
PAUSE_FACTOR: Final = 50.0
# A file that was looked at so long ago is looked at again.
AGAIN_SECONDS: Final = 86_400.0
MOST_FINDINGS: Final = 20
LONGEST_FINDING_LETTERS: Final = 500

logger = logging.getLogger(__name__)


def next_look(settings: Settings) -> float:
    """When the next look is due, in seconds since 1970. Where none was ever made, watching begins now.

    Raises OSError.
    """
    try:
        known = read_log_watch(settings)
    except NoteError:
        # Written anew: what it said is lost, and what is lost counts as not looked at.
        known = None
    if known is None:
        known = LogWatch(time.time())
        write_note(log_watch_path(settings), known)
    # A clock that was set back does not put it off.
    last = min(known.looked or known.since, time.time())
    return last + max(PAUSE_SECONDS, PAUSE_FACTOR * known.seconds)


def look_through(settings: Settings, seconds: float = LOOK_SECONDS) -> LogWatch:
    """Look through files of the log until the time is over, at least one if one is due, and write down what was found.

    Those never looked at come first, then those with findings, then the oldest looks. Raises OSError when the note
    cannot be written; that the log cannot be looked at is in the note.
    """
    began, now = time.process_time(), time.time()
    try:
        before = read_log_watch(settings) or LogWatch(now)
    except NoteError:
        before = LogWatch(now)
    try:
        after = _look(settings, before, began + seconds)
    except Exception as error:  # noqa: BLE001 - it is written down, for everybody to see
        after = msgspec.structs.replace(before, unread=explain("log", error))
    after = msgspec.structs.replace(after, looked=time.time(), seconds=time.process_time() - began)
    write_note(log_watch_path(settings), after)
    return after


def look_when_due(settings: Settings) -> None:
    """Look through some of the log if it is time to; that it cannot be written down stops nothing."""
    try:
        if time.time() >= next_look(settings):
            look_through(settings)
    except OSError as error:
        logger.warning("%s: what was looked at cannot be written: %s", log_watch_path(settings), error.strerror)


class LogWatcher:
    """Looks through the log when it is time to, in a process beside this one that yields to all others."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._due = 0.0

    def go_on(self) -> None:
        """Begin a look if one is due and none is going on; waits for nothing."""
        if self._process is not None and self._process.poll() is None:
            return
        self._forget()
        if time.time() < self._due:
            return
        try:
            self._due = next_look(self._settings)
            if time.time() >= self._due:
                self._process = self._start()
        except OSError as error:
            logger.warning("the log is not looked through: %s: %s", log_watch_path(self._settings), error.strerror)
        # Also when it dies at once, the next one comes no sooner.
        self._due = max(self._due, time.time() + PAUSE_SECONDS / 10)

    def close(self) -> None:
        """End a look that is going on; what it had looked at by then is looked at again."""
        if self._process is not None:
            self._process.kill()
        self._forget()

    def _start(self) -> "subprocess.Popen[bytes]":
        # The end of the pipe, which only this process holds, ends that one too.
        return subprocess.Popen(
            [sys.executable, "-m", "warehouse.care.log_watch"],
            env={**os.environ, **self._settings.to_environ()},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )

    def _forget(self) -> None:
        if self._process is not None:
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process = None


def _look(settings: Settings, before: LogWatch, until: float) -> LogWatch:
    live = _live_files(settings)
    looks = {name: before.looks[name] for name in live if name in before.looks}
    due = [name for name in live if _is_due(looks.get(name))]
    due.sort(key=lambda name: (name in looks, not (name in looks and looks[name].findings), _looked_at(looks, name)))
    found: list[str] = []
    gone = False
    for name in due:
        findings = live[name]()
        looks[name] = Look(time.time(), len(findings))
        found += [shortened(str(one), LONGEST_FINDING_LETTERS) for one in findings]
        gone = gone or bool(findings)
        if time.process_time() >= until:
            break
    if gone:
        # A file may have been joined with others meanwhile, and is missed by nobody.
        live = _live_files(settings)
        looks = {name: look for name, look in looks.items() if name in live}
    kept = [one for one in (*before.findings, *found) if _is_of(one, live, looks)]
    return msgspec.structs.replace(
        before, files=len(live), looks=looks, findings=tuple(dict.fromkeys(kept))[:MOST_FINDINGS], unread=None
    )


def _live_files(settings: Settings) -> "dict[str, Callable[[], Sequence[Defect]]]":
    """How each file that the lake consists of is looked through, by its name; none where there is no lake yet."""
    from warehouse.care.catalog_check import read_catalog
    from warehouse.care.file_digests import check_digest
    from warehouse.care.verify import check_file
    from warehouse.errors import LakeMissing

    try:
        known = read_catalog(settings, strict=True)
    except LakeMissing:
        return {}
    return {
        **{path.name: partial(_findings_of, check_file, path) for path in known.live},
        **{path.name: partial(check_digest, path, digest) for path, digest in known.others.items()},
    }


def _findings_of(check: "Callable[[Path], CheckedFile]", path: Path) -> "Sequence[Defect]":
    return check(path).findings


def _is_due(look: Look | None) -> bool:
    return look is None or look.findings > 0 or not 0 <= time.time() - look.at < AGAIN_SECONDS


def _looked_at(looks: dict[str, Look], name: str) -> float:
    return looks[name].at if name in looks else 0.0


def _is_of(finding: str, live: Iterable[str], looks: dict[str, Look]) -> bool:
    """Whether a finding is of a file that is there and was not found sound since."""
    return any(f"/{name}:" in finding and name in looks and looks[name].findings for name in live)


def main() -> None:
    """One look, for whoever started this process."""
    from warehouse.system.supervisor import live_with_parent

    live_with_parent()
    # Everybody else comes first.
    os.nice(19)
    look_through(Settings.load())


if __name__ == "__main__":
    main()
