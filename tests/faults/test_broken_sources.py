"""What must speak when something is broken does not break with it: each thing that the page, the metrics, `status` and
`doctor` look at is broken in turn, and all of them answer, and name it."""

import html
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from tests.live import Receiver, envelope, running
from warehouse.care.log_watch import look_through
from warehouse.cli import command
from warehouse.cli.exit_codes import exit_code_of
from warehouse.errors import RefreshError
from warehouse.health.diagnosis import CHECKS, made
from warehouse.lake.connection import catalog_path
from warehouse.log.sealer import seal
from warehouse.notes.log_counts import Counts, Figures, figures_path
from warehouse.notes.log_watch_note import log_watch_path
from warehouse.notes.refresh_attempt import attempt_path, attempting
from warehouse.notes.refresh_note import Publication, publication_path, write_publication
from warehouse.settings import Settings
from warehouse.system.note_file import utc_now, write_note

# Sorts after every journal of these days.
JOURNAL = "20990101T000000000000Z-1-00.journal"

Make = Callable[[Path], None]


class Case(NamedTuple):
    """A path that is broken, what is put in its place, what then calls it unreadable: the page and the metrics by a
    word and a label, `doctor` by a check. None where that one cannot know. The commands take seconds, and of what all
    read by the same function they are asked once."""

    path: Callable[[Settings], Path]
    make: Make
    page: str | None
    metric: str | None
    check: str | None
    commands: bool = True
    # Whether deliveries go on being stored meanwhile.
    stores: bool = True


def directory(path: Path) -> None:
    path.mkdir()


def dangling(path: Path) -> None:
    path.symlink_to("nothing-is-called-so")


def looping(path: Path) -> None:
    path.symlink_to(path.name)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def missing(path: Path) -> None:
    assert not path.exists()


def holding(content: bytes) -> Make:
    def make(path: Path) -> None:
        path.write_bytes(content)

    make.__name__ = f"holding {content[:12]!r}"
    return make


EMPTY, TORN, WRONG_TYPES = holding(b""), holding(b'{"run_id": "'), holding(b'{"run_id": 3, "looks": 7, "batch": "x"}')
WRONG_TIME = holding(b'{"run_id": "a", "batch": 1, "rows": {}, "finished_at": "yesterday"}')
NO_ZONE = holding(b'{"run_id": "a", "batch": 1, "rows": {}, "finished_at": "2026-01-01T00:00:00"}')
HUGE = holding(b'"' + b"x" * 5_000_000 + b'"')
ENDLESS = holding(b"[" * 100_000)
NOTES = {
    "publication": (publication_path, "note of the last refresh", "refresh"),
    "refresh": (attempt_path, "note of how refreshes go", "refresh"),
    "figures": (figures_path, "figures of the log", "figures"),
    "log": (log_watch_path, "note of what was looked through", "log"),
}


def cases() -> Iterator[object]:
    for source, (path, words, check) in NOTES.items():
        makes = (directory, dangling, looping, pipe, EMPTY, TORN, WRONG_TYPES, HUGE, ENDLESS)
        for make in (*makes, WRONG_TIME, NO_ZONE) if source == "publication" else makes:
            case = Case(path, make, words, source, check, make is directory)
            yield pytest.param(case, id=f"{source}: {make.__name__}")
    for make in (directory, dangling, looping, pipe):
        case = Case(lambda s: s.journal_dir / JOURNAL, make, JOURNAL, "journal", "journal", make is not looping)
        yield pytest.param(case, id=f"journal: {make.__name__}")
    for name, case in {
        "journal: garbage": Case(lambda s: s.journal_dir / JOURNAL, holding(b"\xff" * 99), None, None, "journal"),
        "journals: a file": Case(
            lambda s: s.journal_dir, EMPTY, "The journals cannot be read", "journal", "journal", stores=False
        ),
        "marks": Case(lambda s: s.journal_dir / "sealed.marks", directory, "sealed cannot be read", "marks", "journal"),
        "an hour": Case(lambda s: s.home / "status" / "x.hour", directory, "x.hour", None, None),
        "an hour that is torn": Case(lambda s: s.home / "status" / "x.hour", TORN, "x.hour", None, None),
        "hours": Case(lambda s: s.home / "status", EMPTY, "The last hour of a worker cannot be read", None, None),
        "catalog: missing": Case(catalog_path, missing, "The lake's catalog cannot be read", "lake", "lake"),
        "catalog: garbage": Case(catalog_path, holding(b"no database" * 999), None, None, "lake"),
        "catalog: a directory": Case(catalog_path, directory, "The lake's catalog cannot be read", "lake", "lake"),
        "lake: missing": Case(lambda s: s.lake_dir, missing, "The lake's catalog cannot be read", "lake", "lake"),
        "build database": Case(lambda s: s.build_path, holding(b"no database" * 999), None, None, "build"),
        "home": Case(lambda s: s.home, missing, "The room on the disk cannot be read", "disk", None, stores=False),
    }.items():
        yield pytest.param(case, id=name)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("broken") / "home"
    return Settings(home=home, api_keys=("k" * 32,), port=1, memory=10**9)


@pytest.fixture(scope="module")
def receiver(settings: Settings) -> Iterator[Receiver]:
    with running(settings.home) as receiver:
        for body in (envelope(1), b"{"):
            assert receiver.post(body).status == 200
        # What a refresh leaves, without the half minute that dbt takes.
        with attempting(settings):
            seal(settings)
            duckdb.connect(str(settings.build_path)).close()
            write_publication(settings, Publication("run", 1, {}, utc_now()))
            write_note(figures_path(settings), Figures(1, Counts(2, 1, 0, 1), Counts(2, 1, 0, 1), ()))
        look_through(settings)
        yield receiver


@contextmanager
def broken(path: Path, make: Make) -> Iterator[None]:
    aside = path.with_name(f"{path.name}.aside")
    was_there = path.exists()
    if was_there:
        path.rename(aside)
    try:
        make(path)
        yield
    finally:
        # A receiver or a command may have made it anew.
        if path.is_dir() and not path.is_symlink():
            for inner in sorted(path.rglob("*"), reverse=True):
                inner.rmdir() if inner.is_dir() else inner.unlink()
            path.rmdir()
        elif path.is_symlink() or path.exists():
            path.unlink()
        if was_there:
            aside.rename(path)


def page(receiver: Receiver) -> str:
    answer = receiver.get("/")
    assert answer.status == 200
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.body.decode())))


def ask_commands(case: Case, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """`status` and the checks of `doctor` that look into a home."""
    arguments = ["--home", str(settings.home), "status"]
    exit_code_of(lambda: command.main(arguments, prog_name="warehouse", standalone_mode=False))
    status = capsys.readouterr()
    asked = [name for name in CHECKS if name in ("journal", "disk", case.check)]
    findings = [finding for name in asked for finding in made(name, settings)]
    assert {one.check for one in findings} >= {"disk"}
    if case.check is not None:
        named = [one for one in findings if one.check == case.check and one.state == "wrong"]
        assert named, findings
        assert all(one.hint for one in named)
        if case.check not in ("build", "figures"):
            assert case.path(settings).name in status.out + status.err


@pytest.mark.parametrize("case", list(cases()))
def test_everybody_answers_and_names_what_is_broken(
    case: Case, settings: Settings, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    path = case.path(settings)
    with broken(path, case.make):
        text, metrics = page(receiver), receiver.metrics()
        assert receiver.get("/ready").status in (200, 503)
        assert receiver.get("/problems").status == 200
        if case.page is not None:
            assert case.page in text
            assert ("NewStore is getting 200s" in text) is case.stores
            assert ("Nothing can be stored" in text) is not case.stores
        if case.metric is not None:
            assert metrics[f'newstore_source_readable{{source="{case.metric}"}}'] == 0
        assert metrics["newstore_last_ack_timestamp_seconds"] > 0
        if case.commands:
            ask_commands(case, settings, capsys)
    assert "cannot be read" not in page(receiver), "all is as it was before"


def test_a_refresh_that_fails_is_seen_at_once_also_when_it_is_the_first(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", api_keys=("k" * 32,), port=1, memory=10**9)
    with running(settings.home) as receiver:
        assert receiver.post(envelope(1)).status == 200
        assert "No refresh yet" in page(receiver)
        for number in (1, 2):
            with pytest.raises(RefreshError), attempting(settings, interval=2.0):
                raise RefreshError("fct_orders: BinderException", "mend `fct_orders`")
            text, metrics = page(receiver), receiver.metrics()
            assert ("The last refresh failed", "The last 2 refreshes failed")[number - 1] in text
            assert "fct_orders: BinderException. No facts are shown yet." in text
            assert "Try: mend fct_orders" in re.sub(r" +", " ", text)
            assert "No refresh yet" not in text
            assert metrics["newstore_refresh_failures"] == number
            assert metrics["newstore_refresh_attempt_timestamp_seconds"] == pytest.approx(time.time(), abs=300)
            assert "newstore_refresh_success_timestamp_seconds" not in metrics
        (found, *_) = [one for one in made("journal", settings) if one.check == "refresh"]
        assert (found.state, found.hint) == ("wrong", "mend `fct_orders`")
        assert "fct_orders" in found.message
        with attempting(settings):
            pass
        assert receiver.metrics()["newstore_refresh_failures"] == 0
        assert "failed" not in page(receiver)


def test_a_stranger_is_told_the_same_for_a_few_seconds_and_others_at_once(
    settings: Settings, receiver: Receiver
) -> None:
    def asked(headers: dict[str, str]) -> float:
        text = receiver.request("GET", "/metrics", headers=headers).body.decode()
        (line,) = re.findall(r"^newstore_journal_bytes (\S+)$", text, re.MULTILINE)
        return float(line)

    key = {"X-API-Key": "test-key"}
    # What was told of the homes that were broken before is forgotten by it.
    before = asked(key)
    (settings.journal_dir / JOURNAL).write_bytes(b"x" * 1000)
    try:
        assert [asked({}) for _ in range(20)].count(before) >= 1
        after = asked(key)
        assert after >= before + 1000
        assert asked({}) == after
    finally:
        (settings.journal_dir / JOURNAL).unlink()
