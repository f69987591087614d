"""What must hold of a home after anything: each delivery is in the log once, and no file is astray."""

from collections.abc import Collection
from pathlib import Path

from warehouse.journal import Damage, Reason
from warehouse.lake.connection import log_folder, open_lake
from warehouse.log.parquet_file import COMPACTED
from warehouse.log.sealer import seal
from warehouse.settings import Settings


def settings_of(home: Path, **values: object) -> Settings:
    return Settings.load({}, home=str(home), memory=10**9, **values)


def seal_and_read(
    home: Path, harmless: Collection[Reason] = (Reason.TORN_TAIL,), *, is_copy: bool = False
) -> list[bytes]:
    """Seal what is there, as the next run does; the bodies of the log, having checked everything but them.

    A copy may hold a joined file that is younger than its catalog, which a later compaction deletes, and lack one that
    only an earlier moment shows.
    """
    settings = settings_of(home)
    damage: tuple[Damage, ...] = seal(settings).damage
    assert {place.reason for place in damage} <= set(harmless), damage
    with open_lake(settings, read_only=True) as con:
        rows = con.execute(
            "select journal, position, batch, coalesce(raw_body, encode(body)) from log.events"
        ).fetchall()
        ((counter,),) = con.execute("select batch from log.counter").fetchall()
        known = {
            Path(path).name: is_live
            for path, is_live in con.execute(
                "select path, end_snapshot is null from __ducklake_metadata_lake.ducklake_data_file where table_id in "
                "(select table_id from __ducklake_metadata_lake.ducklake_table where table_name = 'events')"
            ).fetchall()
        }
    assert len({row[:2] for row in rows}) == len(rows), "a delivery is in the log twice"
    assert counter == max((row[2] for row in rows), default=counter)
    folder = log_folder(settings)
    files = {path.name for path in folder.rglob("*") if path.is_file()} if folder.exists() else set()
    missing = {name for name, is_live in known.items() if is_live or not is_copy} - files
    assert not missing, missing
    assert {name for name in files - known.keys() if not (is_copy and name.startswith(f"{COMPACTED}-"))} == set()
    left = {path.suffix for path in settings.journal_dir.iterdir()} if settings.journal_dir.exists() else set()
    assert left <= {".journal", ".marks", ".deleted"}, f"left in the journal's folder: {left}"
    return [bytes(row[3]) for row in rows]
