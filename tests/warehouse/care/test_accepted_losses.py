"""A loss that the operator has accepted is counted and no finding; a later one is a finding again."""

import subprocess
import sys

import pytest

from tests.live import envelope
from warehouse.care.accepted_losses import accepted_path
from warehouse.care.recover import recover
from warehouse.care.verify import check_catalog, verify
from warehouse.delivery.envelope import decode
from warehouse.errors import LakeError
from warehouse.journal import JournalWriter
from warehouse.lake.connection import catalog_path, log_folder
from warehouse.log.sealer import seal
from warehouse.settings import Settings


@pytest.fixture
def lossy(settings: Settings) -> Settings:
    """A home whose log has 60 deliveries in six files; the journal that held them is gone, and one file as well."""
    with JournalWriter(settings.journal_dir) as journal:
        for first in range(0, 60, 10):
            journal.append([decode(envelope(first + n), 1) for n in range(10)])
            seal(settings)
    journal.path.unlink()
    take(settings, 20)
    return settings


def take(settings: Settings, first: int) -> None:
    (file,) = log_folder(settings).glob(f"*-{first}-*.parquet")
    file.unlink()


def found(settings: Settings) -> list[str]:
    return [finding.problem for finding in verify(settings).findings]


def test_a_loss_is_accepted_once_and_what_goes_missing_later_is_found(lossy: Settings) -> None:
    with pytest.raises(LakeError, match="has to be made anew"):
        recover(lossy, accept=True)
    assert not accepted_path(lossy).exists()
    assert [one.problem for one in recover(lossy, dry_run=False).damage] == ["deliveries 20 to 29 are missing"]
    assert found(lossy) == ["deliveries 20 to 29 are missing"]
    report = recover(lossy, accept=True)
    assert (report.aside, report.damage, report.accepted.deliveries) == (None, (), 10)
    checked = verify(lossy)
    assert (checked.findings, checked.accepted) == ((), report.accepted)
    assert checked.accepted.since is not None
    assert check_catalog(lossy) == ()
    take(lossy, 40)
    recover(lossy, dry_run=False)
    assert found(lossy) == ["deliveries 40 to 49 are missing"]
    assert verify(lossy).accepted == report.accepted
    recover(lossy, dry_run=False, accept=True)
    checked = verify(lossy)
    assert (checked.findings, checked.accepted.deliveries) == ((), 20)
    assert checked.accepted.since == report.accepted.since


def test_a_note_that_cannot_be_read_accepts_nothing(lossy: Settings) -> None:
    recover(lossy, dry_run=False, accept=True)
    accepted_path(lossy).write_text('{"losses":[{"journal":"x","first":3,"last":2,"accepted_at":"2026-01-01T00:00Z"}]}')
    problems = found(lossy)
    assert "deliveries 20 to 29 are missing" in problems
    assert any("this note cannot be read" in problem for problem in problems)


def test_a_catalog_that_is_lost_as_well_keeps_what_was_accepted(lossy: Settings) -> None:
    recover(lossy, dry_run=False, accept=True)
    catalog_path(lossy).unlink()
    recover(lossy, dry_run=False)
    assert (found(lossy), verify(lossy).accepted.deliveries) == ([], 10)


def test_the_commands_say_what_is_accepted(lossy: Settings) -> None:
    def run(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "warehouse", "--home", str(lossy.home), "log", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout

    assert run("verify")[0] == 1
    code, text = run("recover", "--yes", "--accept-losses")
    assert code == 0
    assert "accepted   10 deliveries are lost, the first accepted at 2" in text
    code, text = run("verify")
    assert code == 0
    assert "accepted   10 deliveries are lost" in text
    assert "0 findings" in text


def test_a_home_without_losses_accepts_none(settings: Settings) -> None:
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(envelope(1), 1)])
    seal(settings)
    assert recover(settings, accept=True).accepted.deliveries == 0
    assert not accepted_path(settings).exists()
