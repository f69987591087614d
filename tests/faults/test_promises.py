"""README's table of what can be lost names a test that exists for each of its rows."""

import re

from tests.live import ROOT

NO_TEST = {"the disk is lost"}


def test_each_row_of_what_can_be_lost_names_its_test() -> None:
    text = (ROOT / "README.md").read_text()
    table = text.partition("## What can be lost")[2].partition("\n## ")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines() if row.startswith("| ")][1:]
    assert len(rows) > 10
    for what, _, shown_by in rows:
        tests = re.findall(r"`(tests/\S+\.py)`", shown_by)
        assert bool(tests) != (what in NO_TEST), what
        for test in tests:
            assert "\ndef test_" in (ROOT / test).read_text(), test


def test_each_test_that_reliability_names_is_there() -> None:
    named = set(re.findall(r"`(tests/\S+\.(?:py|c))`", (ROOT / "docs/reliability.md").read_text()))
    assert len(named) > 8
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
