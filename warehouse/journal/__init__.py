"""The receiver's fsynced files: what was appended is on the disk, in order, numbered, and read back byte for byte."""

from warehouse.journal.reader import Damage, Journal, Mark, Reason, list_journals, read_journal, written_after
from warehouse.journal.seal_marks import SealedMark, load_marks, save_marks
from warehouse.journal.writer import JournalWriter, remove_unnamed

__all__ = [
    "Damage",
    "Journal",
    "JournalWriter",
    "Mark",
    "Reason",
    "SealedMark",
    "list_journals",
    "load_marks",
    "read_journal",
    "remove_unnamed",
    "save_marks",
    "written_after",
]
