"""Texts of events are bounded wherever they are kept or shown outside the log."""

import json
import time

import pytest

from receiver.status.html import problems_page
from tests.live import envelope
from warehouse import connect
from warehouse.care.quarantine import list_quarantine
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.notes.log_counts import figures_path, read_figures
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings
from warehouse.system.texts import LONGEST_LETTERS, shortened

LONG = 1_000_000


def test_a_name_of_a_megabyte_stays_in_the_log(settings: Settings) -> None:
    bodies = [envelope(1)]
    for letter in ("é", "n"):
        event = {
            "tenant": "t" * LONG,
            "name": letter * LONG,
            "published_at": "2026-01-01T00:00:00Z",
            "payload": {"id": "x"},
        }
        bodies.append(json.dumps(event).encode())
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(body, time.time_ns() // 1000) for body in bodies])
    refresh(settings)
    figures = read_figures(settings)
    assert figures is not None
    assert {one.name for one in figures.quarantined} == {shortened("é" * LONG), shortened("n" * LONG)}
    assert figures_path(settings).stat().st_size < 10_000
    assert len(problems_page(figures)) < 20_000
    for one in list_quarantine(settings).deliveries:
        assert len(one.name or "") == len(one.tenant or "") == LONGEST_LETTERS
    with connect(settings.home) as con:
        names = con.execute(
            "select max(length(name)) from trust.deliveries "
            "union all select max(length(name)) from trust.quarantined_events"
        )
        assert names.fetchall() == [(LONGEST_LETTERS,), (LONGEST_LETTERS,)]
        assert con.execute("select max(length(name)) from log.events").fetchall() == [(LONG,)]


@pytest.mark.parametrize(("text", "longest", "expected"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("", 3, "")])
def test_shortened(text: str, longest: int, expected: str) -> None:
    assert shortened(text, longest) == expected
