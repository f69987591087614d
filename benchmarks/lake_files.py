"""How many files the lake keeps while one refresh follows another: `python -m benchmarks.lake_files HOME`.

After each refresh everything in the catalog is made 30 seconds older, so that the hours in which moments and files are
let go pass in minutes. Prints, for every tenth refresh, the minutes that have passed, the files on the disk, those of
now, those that the catalog knows for kept moments as well, and those that wait for their hour.
"""

import sqlite3
import sys
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.lake.connection import catalog_path, data_path
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings
from warehouse.simulator import simulate

REFRESHES: Final = 240
EVENTS: Final = 100
OLDER: Final = timedelta(seconds=30)
TIMES: Final = {
    "ducklake_snapshot": "snapshot_time",
    "ducklake_files_scheduled_for_deletion": "schedule_start",
}
KNOWN: Final = """
select count(*), count(*) filter (where end_snapshot is null)
from (
    select end_snapshot from ducklake_data_file
    union all
    select end_snapshot from ducklake_delete_file
)
"""


def make_older(settings: Settings) -> None:
    """Let the lake think that it is so much later."""
    with closing(sqlite3.connect(catalog_path(settings))) as catalog, catalog:
        for table, column in TIMES.items():
            for row, text in catalog.execute(f"select rowid, {column} from {table}").fetchall():
                earlier = f"{datetime.fromisoformat(text) - OLDER:%Y-%m-%d %H:%M:%S.%f}+00"
                catalog.execute(f"update {table} set {column} = ? where rowid = ?", (earlier, row))


def main(home: Path) -> None:
    """Refresh again and again, and say what is there."""
    settings = Settings(home=home)
    bodies = [*simulate(events=REFRESHES * EVENTS, seed=1)]
    began = time.monotonic()
    for number in range(REFRESHES):
        with JournalWriter(settings.journal_dir) as journal:
            some = bodies[number * EVENTS : (number + 1) * EVENTS]
            journal.append([decode(body, time.time_ns() // 1000) for body in some])
        refresh(settings)
        make_older(settings)
        if number % 10 == 9:
            with closing(sqlite3.connect(catalog_path(settings))) as catalog:
                ((known, now),) = catalog.execute(KNOWN).fetchall()
            files = len(list(data_path(settings).rglob("*.parquet")))
            minutes = (time.monotonic() - began + (number + 1) * OLDER.total_seconds()) / 60
            text = f"{number + 1} refreshes, {minutes:.0f} minutes: {files} files, {now} now, {known} known"
            sys.stdout.write(f"{text}, {files - known} waiting\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
