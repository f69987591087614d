"""Makes backups and writes down how each went; again and again where it is asked to. A failure ends nothing."""

import logging
import threading
import time
from typing import Final

import msgspec

from warehouse.backup.backup import BackupReport, backup
from warehouse.backup.retention import Keep
from warehouse.errors import NoteError, WarehouseError
from warehouse.notes.backup_notes import BackupNote, Made, backup_note_path, read_backup_note
from warehouse.progress import Progress
from warehouse.settings import Settings
from warehouse.system.note_file import write_note
from warehouse.system.sources import explain

FIRST_PAUSE_SECONDS: Final = 30.0
CHECK_TARGET: Final = "check the target and the home's disk; earlier backups stay as they are"

logger = logging.getLogger(__name__)


def backup_and_note(
    settings: Settings,
    target: str,
    keep: Keep,
    every: float | None = None,
    progress: Progress = lambda _done, _total: None,
) -> BackupReport:
    """What `backup` does, and a note of how it went for the page and the metrics. Raises what it raises."""
    note = _note(settings, target, every)
    try:
        report = backup(settings, target, keep, progress)
    except (WarehouseError, OSError) as error:
        if settings.home.is_dir():
            reason = explain("backup", error, CHECK_TARGET)
            _write(
                settings,
                msgspec.structs.replace(note, failures=note.failures + 1, failure=reason, failed=time.time()),
            )
        raise
    made = Made(report.id, report.moment, report.files, report.bytes, report.new_bytes, report.seconds)
    _write(settings, msgspec.structs.replace(note, made=made, failures=0, failure=None, failed=None))
    return report


def keep_backing_up(settings: Settings, target: str, keep: Keep, every: float, stop: threading.Event) -> None:
    """Make a backup every so many seconds until `stop` is set; one that fails is tried again sooner."""
    while not stop.wait(max(0.0, _due(settings, target, every) - time.time())):
        try:
            report = backup_and_note(settings, target, keep, every)
        except (WarehouseError, OSError) as error:
            said = explain("backup", error, CHECK_TARGET)
            logger.error("no backup is made: %s Try: %s", said.reason, said.hint)
        else:
            logger.info(
                "backup %s: %d files, %d bytes of them new, in %.1f s",
                report.id,
                report.files,
                report.new_bytes,
                report.seconds,
            )


def _due(settings: Settings, target: str, every: float) -> float:
    """When the next is due, in seconds since 1970: the last one may have been made by a process before this."""
    note = _note(settings, target, every)
    if note.failed is not None:
        return note.failed + min(FIRST_PAUSE_SECONDS * 2.0 ** min(note.failures - 1, 20), every)
    if note.made is None:
        return time.time()
    # A clock that was set back does not put it off.
    return min(note.made.moment, time.time()) + every


def _note(settings: Settings, target: str, every: float | None) -> BackupNote:
    try:
        known = read_backup_note(settings)
    except NoteError:
        known = None
    if known is None or known.target != target:
        return BackupNote(target, every, time.time())
    if every is None:
        # Somebody asked for one beside those of a schedule.
        return known
    return known if known.every == every else msgspec.structs.replace(known, every=every, since=time.time())


def _write(settings: Settings, note: BackupNote) -> None:
    try:
        write_note(backup_note_path(settings), note)
    except OSError as error:
        logger.warning("%s: how the backup went cannot be written: %s", backup_note_path(settings), error.strerror)
