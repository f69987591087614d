"""What to do about what goes wrong: each remedy said once, for the page, the commands, the doctor and the errors."""

from typing import Final

CHECK_DISK: Final = "check that the folder is there, who may read it, and its disk"
READ_JOURNAL: Final = (
    "give this user the right to read it; if its disk is failing, copy the file to another one. Nothing of it is "
    "deleted, and it is sealed as soon as it can be read"
)
RECOVER: Final = (
    "`warehouse log recover` says what can be made anew from the log's own files and the journals, "
    "`warehouse log recover --yes` does it; nothing is deleted"
)
RESTORE: Final = (
    "put that folder back where it was, from a backup if it is lost; without one `warehouse log recover --yes` makes a "
    "new lake of what the journals still have"
)
REBUILD: Final = "`warehouse refresh --full` builds the marts anew from the log"
REFRESH: Final = "`warehouse refresh`, or `warehouse up`, which refreshes by itself"
LOOK_THROUGH: Final = "`warehouse log verify` looks through all of it at once"
RENEW_BUILD: Final = "delete it when nothing has it open; the next `warehouse refresh` builds it anew from the log"
INSTALL: Final = "install exactly the versions of requirements.lock: `make setup` does, or `pip install` once more"
