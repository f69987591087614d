"""Whoever waits for a journal is heard by whoever writes to it."""

import threading
import time
from pathlib import Path

from warehouse.journal import JournalWriter
from warehouse.journal.letting_go import is_asked_for, wait_for_journals


def test_a_journal_is_let_go_of_when_somebody_asks(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)

    def let_go() -> None:
        while not is_asked_for(writer.path):
            time.sleep(0.01)
        writer.close()

    thread = threading.Thread(target=let_go)
    thread.start()
    assert wait_for_journals(tmp_path, [writer.path], 30) == []
    thread.join()
    assert not is_asked_for(writer.path)


def test_one_that_nobody_lets_go_of_is_named(tmp_path: Path) -> None:
    with JournalWriter(tmp_path) as writer:
        assert wait_for_journals(tmp_path, [writer.path], 0.1) == [writer.path]
