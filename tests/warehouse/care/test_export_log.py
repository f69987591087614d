"""What is exported can be replayed: the same deliveries byte for byte, or the same JSON on one line."""

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

import warehouse
from tests.live import envelope
from warehouse.care.export_log import LogSlice, export_log
from warehouse.delivery.envelope import decode
from warehouse.errors import ExportError, LakeMissing
from warehouse.journal import JournalWriter, list_journals, read_journal
from warehouse.journal.replay import replay
from warehouse.lake.connection import open_lake
from warehouse.log.sealer import seal
from warehouse.settings import Settings

DAY = 86_400_000_000
LINES = [
    envelope(1),
    envelope(2).replace(b"order.created", b"order.completed"),
    envelope(3).replace(b"order.created", b"made.up"),
    b"no json",
    b"\xff\xfe",
    b"[1, 2]",
    b'"\r"',
]
BROKEN_LINES = [b'{\n "tenant": "t",\r\n "payload": {"id":\t1}}\n', b" " + envelope(4)]
NO_LINES = [b"", b"  ", b"two\nlines", b"\xff\n"]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Each body was received on another day of January 2026."""
    settings = Settings.load({}, home=str(tmp_path_factory.mktemp("sealed") / "home"))
    start = 1_767_225_600_000_000
    with JournalWriter(settings.journal_dir) as journal:
        bodies = [*LINES, *BROKEN_LINES, *NO_LINES]
        journal.append([decode(body, start + day * DAY) for day, body in enumerate(bodies)])
    seal(settings)
    return settings


def replayed(settings: Settings, file: Path) -> list[bytes]:
    replay(settings, [file])
    return [delivery.body for path in list_journals(settings.journal_dir) for _, delivery in read_journal(path)]


@pytest.mark.parametrize("ending", ["ndjson", "ndjson.gz", "ndjson.zst"])
def test_everything_comes_back(sealed: Settings, settings: Settings, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"all.{ending}"
    told: list[tuple[int, int | None]] = []
    report = export_log(sealed, file, progress=lambda done, total: told.append((done, total)))
    assert (report.deliveries, report.joined, report.left_out) == (9, 2, 4)
    assert len(report.left_out_places) == 4
    assert told[-1] == (13, 13)
    data = file.read_bytes()
    text = {
        "ndjson": lambda: data,
        "ndjson.gz": lambda: gzip.decompress(data),
        "ndjson.zst": lambda: pa.CompressedInputStream(file, "zstd").read(),
    }[ending]()
    assert text.count(b"\n") == 9
    bodies = replayed(settings, file)
    assert {*LINES} <= {*bodies}
    joined = set(bodies) - set(LINES)
    assert joined == {b'{  "tenant": "t",   "payload": {"id":\t1}}', envelope(4)}
    seal(settings)
    hashes = "select payload_hash from log.events where payload_hash is not null order by all"
    with warehouse.connect(sealed.home) as one, warehouse.connect(settings.home) as other:
        assert one.execute(hashes).fetchall() == other.execute(hashes).fetchall()


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (LogSlice(since="2026-01-02", until="2026-01-04"), [LINES[1], LINES[2]]),
        (LogSlice(until="2026-01-01 00:00:01"), [LINES[0]]),
        (LogSlice(name="made.up"), [LINES[2]]),
        (LogSlice(since="2030-01-01"), []),
    ],
)
def test_a_part_of_the_log(sealed: Settings, tmp_path: Path, part: LogSlice, expected: list[bytes]) -> None:
    export_log(sealed, tmp_path / "part", part)
    assert sorted((tmp_path / "part").read_bytes().splitlines()) == sorted(expected)


def test_a_time_that_is_none_leaves_no_file(sealed: Settings, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="not a time"):
        export_log(sealed, tmp_path / "part", LogSlice(since="soon"))
    assert list(tmp_path.iterdir()) == []


def test_a_home_without_a_log(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(LakeMissing):
        export_log(settings, tmp_path / "all.ndjson")
    assert not (tmp_path / "all.ndjson").exists()


def test_a_body_that_has_changed_is_not_handed_on(settings: Settings, tmp_path: Path) -> None:
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(envelope(n), 1) for n in range(3)])
    seal(settings)
    with open_lake(settings) as con:
        con.execute("update log.events set body = replace(body, 'order-1', 'order-9')")
    with pytest.raises(ExportError, match="payload_hash"):
        export_log(settings, tmp_path / "all.ndjson")
    assert not (tmp_path / "all.ndjson").exists()
