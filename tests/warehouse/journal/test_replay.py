"""Files go the way of deliveries over the web, and a file that is none of ours leaves nothing behind."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest

from tests.live import envelope
from warehouse.delivery.delivery import Delivery
from warehouse.errors import ReplayError
from warehouse.journal import list_journals, read_journal
from warehouse.journal.replay import ReplayReport, replay
from warehouse.settings import Settings

SAMPLE = Path(__file__).parents[2] / "data" / "order_created.json"


def stored(settings: Settings) -> list[Delivery]:
    return [delivery for path in list_journals(settings.journal_dir) for _, delivery in read_journal(path)]


def ndjson(*bodies: bytes) -> bytes:
    return b"".join(body + b"\n" for body in bodies)


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd", "crlf", "no newline at the end", "blank lines"])
def test_every_line_is_a_delivery(tmp_path: Path, settings: Settings, packing: str) -> None:
    bodies = [envelope(number) for number in range(2_500)]
    text = ndjson(*bodies)
    file = tmp_path / "1525356434112-data-a1b2.export"
    file.write_bytes(
        {
            "plain": text,
            "gzip": gzip.compress(text[:1000]) + gzip.compress(text[1000:]),
            "zstd": pa.compress(text, codec="zstd", asbytes=True),
            "crlf": text.replace(b"\n", b"\r\n"),
            "no newline at the end": text.rstrip(),
            "blank lines": b"\n \n" + text.replace(b"\n", b"\n\n"),
        }[packing]
    )
    assert replay(settings, [file]) == ReplayReport(1, 2_500, {})
    assert [delivery.body for delivery in stored(settings)] == bodies


def test_one_document_over_many_lines_is_one_delivery(settings: Settings) -> None:
    assert SAMPLE.read_bytes().count(b"\n") > 10
    assert replay(settings, [SAMPLE]).deliveries == 1
    (delivery,) = stored(settings)
    assert delivery.name == "order.created"
    assert json.loads(delivery.body) == json.loads(SAMPLE.read_bytes())


def test_a_bad_line_is_kept_with_its_problem(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "mixed.ndjson"
    file.write_bytes(ndjson(envelope(1), b"{broken", b"[1]", b"\xff", envelope(2)))
    report = replay(settings, [file])
    assert report == ReplayReport(1, 5, {"not_an_envelope": 1, "not_json": 1, "not_utf8": 1})
    assert [delivery.body for delivery in stored(settings)][1:4] == [b"{broken", b"[1]", b"\xff"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("numbers.csv", b"id,name\n1,order.created\n"),
        ("array.json", b'[\n {"tenant": "t"}\n]\n'),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
        ("empty.ndjson", b"\n\n"),
        ("cut.ndjson.gz", gzip.compress(ndjson(*[envelope(n) for n in range(9)]), mtime=0)[:20]),
        ("broken.json", b'{\n "tenant": "t",\n'),
    ],
)
def test_a_file_that_is_no_ndjson_is_named_and_nothing_of_any_file_is_appended(
    tmp_path: Path, settings: Settings, name: str, content: bytes
) -> None:
    good, wrong = tmp_path / "good.ndjson", tmp_path / name
    good.write_bytes(ndjson(envelope(1)))
    wrong.write_bytes(content)
    with pytest.raises(ReplayError, match=name) as raised:
        replay(settings, [good, wrong])
    assert "envelope" in raised.value.hint
    assert stored(settings) == []


@pytest.mark.parametrize("name", ["nowhere.ndjson", "."])
def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, settings: Settings, name: str) -> None:
    with pytest.raises(ReplayError, match="cannot be read"):
        replay(settings, [tmp_path / name])
    assert stored(settings) == []


def test_a_file_cut_off_in_its_middle_keeps_what_came_before(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "cut.ndjson.gz"
    packed = gzip.compress(ndjson(*[envelope(n, note=str(n) * 50) for n in range(5_000)]), compresslevel=1)
    file.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(ReplayError, match=r"cut\.ndjson\.gz"):
        replay(settings, [file])
    kept = stored(settings)
    assert 0 < len(kept) < 5_000
    assert [delivery.body for delivery in kept] == [envelope(n, note=str(n) * 50) for n in range(len(kept))]


def test_progress_ends_at_the_size_of_the_files(tmp_path: Path, settings: Settings) -> None:
    files = [tmp_path / "a.ndjson", tmp_path / "b.ndjson"]
    for file in files:
        file.write_bytes(ndjson(*[envelope(n) for n in range(3_000)]))
    told: list[tuple[int, int | None]] = []
    replay(settings, files, lambda done, total: told.append((done, total)))
    size = sum(file.stat().st_size for file in files)
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
