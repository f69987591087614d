"""Every error this product raises on purpose, each saying what happened and what to do about it.

WarehouseError
├── SettingsError        a setting is wrong; nothing was started
├── ContractError        the contract file is wrong; nothing was started
├── MetricsError         the metrics are declared in a way that cannot be
├── LockHeld             another process is doing this to the same home
├── JournalError         the journal could not be written; nothing in that group was acknowledged
│   ├── JournalDisplaced a journal lost its name, or a part, while it was written; what it held can be rescued
│   ├── HomeMissing      the home is gone, or another one is in its place; nothing is begun there
│   ├── JournalCorrupt   a journal file holds bytes that were never written as they stand
│   └── JournalUnread    a journal could not be read to its end; all others are in the log
├── LakeError            the lake could not be read or written
│   ├── LakeMissing      there is no lake in this home yet
│   ├── LakeLost         there was a lake in this home, and its catalog is gone
│   └── LakeVersionError the lake was made by another version of this product
├── QuarantineError      there is no such delivery in the quarantine
├── ReferenceDataError   reference data cannot be loaded so; nothing was
│   └── ReferenceFileError   a file of them is wrong; nothing of it was loaded
├── NoteError            a note that one process left for others cannot be read
├── ReplayError          a file could not be replayed
├── ExportError          the log, or the marts, could not be written to a file
├── DashboardError       the dashboard could not start
├── ServeError           the receiver could not start
├── PostError            a receiver did not take what was posted to it
└── RefreshError         dbt or publishing failed; readers keep the last complete refresh
"""


class WarehouseError(Exception):
    """Base of all errors raised on purpose: `what` happened, `where`, and `hint`, what to do about it.

    `where` is a path, an address or a setting, None for an error of no place. `message` is both in one line.
    """

    def __init__(self, what: str, hint: str, *, where: object = None) -> None:
        super().__init__(what, hint, where)
        self.what = what
        self.hint = hint
        self.where = None if where is None else str(where)

    @property
    def message(self) -> str:
        """Where, and what."""
        return self.what if self.where is None else f"{self.where}: {self.what}"

    def __str__(self) -> str:
        return f"{self.message}\nTry: {self.hint}"


class SettingsError(WarehouseError):
    """A setting has a value it cannot have."""


class ContractError(WarehouseError):
    """The contract file contradicts itself or lacks something."""


class MetricsError(WarehouseError):
    """The yml of the metrics names a measure, a metric or a model that is not there."""


class LockHeld(WarehouseError):
    """Another process holds a lock of this home; the message names the lock's path and, where known, the holder."""


class JournalError(WarehouseError):
    """A journal file could not be created, written or fsynced; none of the deliveries at hand is acknowledged.

    `errno` is the operating system's, where it gave one.
    """

    def __init__(self, what: str, hint: str, errno: int | None = None, *, where: object = None) -> None:
        super().__init__(what, hint, where=where)
        self.errno = errno


class JournalDisplaced(JournalError):
    """A journal being written is no longer under its name, or became shorter; nothing more is acknowledged from it."""


class HomeMissing(JournalError):
    """The folder of a home is not where it was when this process, or its supervisor, started."""


class JournalCorrupt(JournalError):
    """A journal file cannot be read as a journal at all."""


class JournalUnread(JournalError):
    """A journal could not be read to its end. What was read of it is in the log, with all of the other journals."""


class LakeError(WarehouseError):
    """The lake's catalog or its files could not be opened, read or written."""


class LakeMissing(LakeError):
    """This home holds no lake yet."""


class LakeLost(LakeError):
    """This home had a lake, whose catalog is gone; nobody but `warehouse log recover` makes it anew."""


class LakeVersionError(LakeError):
    """The lake was written by a version of this product that this one cannot work with."""


class QuarantineError(WarehouseError):
    """A delivery was named that is not in the quarantine."""


class ReferenceDataError(WarehouseError):
    """Reference data cannot be loaded as they are asked to be."""


class ReferenceFileError(ReferenceDataError):
    """A file of reference data cannot be read, or says what is not allowed: `mistakes` are the first twenty, each with
    its line, its column, what was found and what is allowed."""

    def __init__(self, what: str, hint: str, *, where: object = None, mistakes: tuple[str, ...] = ()) -> None:
        super().__init__(what, hint, where=where)
        self.mistakes = mistakes


class NoteError(WarehouseError):
    """A small file of a home, in which one process leaves word for others, is there and cannot be read."""


class ReplayError(WarehouseError):
    """A file of envelopes could not be read to its end."""


class ExportError(WarehouseError):
    """The log, or the marts, could not be written to a file; what was there before is still there."""


class DashboardError(WarehouseError):
    """The dashboard could not start."""


class ServeError(WarehouseError):
    """The receiver could not start."""


class PostError(WarehouseError):
    """A receiver could not be reached, refused the key, or kept answering that it could not store a delivery."""


class RefreshError(WarehouseError):
    """A refresh stopped before it was published; readers still see the last complete one."""
