"""A home's own memory that it has a lake, so that one that is gone is found missing and not made anew.

The mark lies in the home, beside the lake and not in it: whatever takes the lake away leaves it.
"""

import hashlib
from pathlib import Path

from warehouse.settings import Settings
from warehouse.system.disk import make_folder, sync_file_at, sync_folder


def mark_path(settings: Settings) -> Path:
    """The mark of the lake that these settings name; a home may have had several, in different catalogs."""
    if not settings.catalog:
        return settings.home / "lake.made"
    return settings.home / f"lake-{hashlib.sha256(settings.catalog.encode()).hexdigest()[:16]}.made"


def had_lake(settings: Settings) -> bool:
    """Whether this home ever had this lake."""
    return mark_path(settings).exists()


def mark_lake(settings: Settings, catalog: Path) -> None:
    """Remember for good that this home has this lake. Raises OSError."""
    path = mark_path(settings)
    if path.exists():
        return
    make_folder(path.parent)
    draft = path.with_suffix(".tmp")
    draft.write_text(f"This home has a lake: {catalog}\nWhile this file is here, no new one is begun in its place.\n")
    sync_file_at(draft)
    draft.rename(path)
    sync_folder(path.parent)
