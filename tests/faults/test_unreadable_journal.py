"""A journal that cannot be read holds up no other, is spoken of, and is sealed once it can be read."""

from pathlib import Path

import pytest

from tests.faults.log_state import seal_and_read, settings_of
from tests.live import envelope
from warehouse.delivery.envelope import decode
from warehouse.errors import JournalUnread
from warehouse.journal import JournalWriter
from warehouse.lake.connection import open_lake
from warehouse.log.sealer import seal

# Its first bytes are mapped by nobody: reading them gives EIO, as a failing disk does.
FAILING = Path("/proc/self/mem")

pytestmark = pytest.mark.skipif(not FAILING.exists(), reason="needs a file of Linux that cannot be read")


def test_a_journal_that_cannot_be_read_holds_up_no_other_and_loses_nothing(home: Path, tmp_path: Path) -> None:
    settings = settings_of(home, journal_keep=0)
    paths = []
    for number in range(3):
        with JournalWriter(settings.journal_dir) as journal:
            journal.append([decode(envelope(2 * number + n), 1) for n in range(2)])
            paths.append(journal.path)
    elsewhere = paths[1].rename(tmp_path / paths[1].name)
    paths[1].symlink_to(FAILING)
    for _ in range(2):
        with pytest.raises(JournalUnread, match=f"{paths[1]}: cannot be read: Input/output error") as caught:
            seal(settings)
        assert "All other journals are in the log" in caught.value.message
        with open_lake(settings, read_only=True) as con:
            rows = con.execute("select body from log.events order by all").fetchall()
        assert [body.encode() for (body,) in rows] == [envelope(n) for n in (0, 1, 4, 5)]
        assert list(settings.journal_dir.glob("*.journal")) == [paths[1]]
    paths[1].unlink()
    elsewhere.rename(paths[1])
    assert sorted(seal_and_read(home)) == [envelope(n) for n in range(6)]
