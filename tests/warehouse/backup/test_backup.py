"""A backup holds a home of one moment, has each file once, is read back, and never harms one that was made before."""

import io
import json
import os
import shutil
import time
from pathlib import Path

import pytest

from tests.journals import deliver, log_files
from tests.live import envelope
from tests.s3 import Proxy
from warehouse.backup.backup import backup
from warehouse.backup.check import list_backups, verify_target
from warehouse.backup.manifest import list_ids, read_manifest
from warehouse.backup.retention import Keep
from warehouse.backup.store import open_store, size_and_digest
from warehouse.delivery.envelope import decode
from warehouse.errors import BackupError, LakeError, TargetUnreachable
from warehouse.journal import Journal, JournalWriter
from warehouse.log.sealer import seal
from warehouse.settings import Settings

ALL = Keep()


def paths_of(target: str) -> dict[str, int]:
    store = open_store(target)
    manifest = read_manifest(store, list_ids(store)[-1]).manifest
    return {item.path: item.size for item in manifest.items}


def test_a_backup_has_each_file_of_the_home_once(settings: Settings, target: str) -> None:
    deliver(settings, 1, 2)
    seal(settings)
    first = backup(settings, target, ALL)
    assert first.new_files == first.files
    held = paths_of(target)
    assert "lake/catalog.sqlite" in held
    assert {name for name in held if name.startswith("lake/data/log/events/")} == {
        f"lake/data/log/events/{path.name}" for path in log_files(settings)
    }
    assert {name for name in held if name.endswith(".journal")} == {
        f"journal/{path.name}" for path in settings.journal_dir.glob("*.journal")
    }
    again = backup(settings, target, ALL)
    assert (again.files, again.new_files) == (first.files, 0)
    deliver(settings, 3)
    third = backup(settings, target, ALL)
    assert (third.files, third.new_files) == (first.files + 1, 1)
    assert [line.id for line in list_backups(target)] == [first.id, again.id, third.id]
    assert verify_target(target).findings == ()


def test_a_home_without_a_lake_is_its_journals(settings: Settings, target: str) -> None:
    path = deliver(settings, 1)
    backup(settings, target, ALL)
    assert list(paths_of(target)) == [f"journal/{path.name}"]


def test_of_a_journal_in_use_only_whole_records_are_taken(settings: Settings, target: str) -> None:
    with JournalWriter(settings.journal_dir, reserve=2**16) as journal:
        journal.append([decode(envelope(1), 1)])
        backup(settings, target, ALL)
        assert paths_of(target) == {f"journal/{journal.path.name}": journal.size}
        assert journal.path.stat().st_size > journal.size


def test_what_is_in_the_target_and_not_as_it_was_written_is_found(settings: Settings, tmp_path: Path) -> None:
    deliver(settings, 1)
    seal(settings)
    target = tmp_path / "target"
    made = backup(settings, str(target), ALL)
    held = sorted((target / "files").iterdir())
    flipped = bytearray(held[0].read_bytes())
    flipped[len(flipped) // 2] ^= 1
    held[0].write_bytes(flipped)
    held[1].unlink()
    first, second = sorted(verify_target(str(target)).findings)
    assert held[0].name in first
    assert "is not as it was written" in first
    assert held[1].name in second
    assert "is gone" in second
    manifest = target / "backups" / f"{made.id}.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"moment"', b'"momenT"'))
    (finding,) = verify_target(str(target)).findings
    assert made.id in finding


def test_old_backups_go_with_what_only_they_have(settings: Settings, target: str) -> None:
    made = []
    for number in range(4):
        deliver(settings, number)
        made.append(backup(settings, target, ALL).id)
    dropped = backup(settings, target, Keep(count=2)).dropped
    assert dropped == tuple(made[:3])
    assert backup(settings, target, Keep(seconds=0)).dropped[0] == made[3]
    assert len(list_backups(target)) == 1
    assert verify_target(target).findings == ()


def test_content_that_no_backup_names_stays_for_a_day(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "target"
    deliver(settings, 1)
    backup(settings, str(target), ALL)
    mine, old = target / "files" / ("0" * 64), target / "files" / ("1" * 64)
    draft = target / "files" / "2.17.tmp"
    for path in (mine, old, draft):
        path.write_bytes(b"x")
    for path in (old, draft):
        os.utime(path, (time.time() - 100_000,) * 2)
    backup(settings, str(target), ALL)
    assert (mine.exists(), old.exists(), draft.exists()) == (True, False, False)


def test_what_was_copied_by_one_that_died_is_read_before_it_is_believed(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "target"
    deliver(settings, 1)
    seal(settings)
    made = backup(settings, str(target), ALL)
    (target / "backups" / f"{made.id}.json").unlink()
    held = sorted((target / "files").iterdir())
    held[0].write_bytes(b"\0" * held[0].stat().st_size)
    again = backup(settings, str(target), ALL)
    assert again.new_files == 0
    assert verify_target(str(target)).findings == ()


def test_a_target_is_of_one_home(settings: Settings, tmp_path: Path, target: str) -> None:
    deliver(settings, 1)
    backup(settings, target, ALL)
    other = Settings(home=tmp_path / "other")
    deliver(other, 2)
    with pytest.raises(BackupError, match="another home"):
        backup(other, target, ALL)


def test_a_folder_that_is_not_mounted_any_more_is_not_begun_anew(settings: Settings, tmp_path: Path) -> None:
    deliver(settings, 1)
    target = tmp_path / "target"
    backup(settings, str(target), ALL)
    shutil.rmtree(target)
    with pytest.raises(BackupError, match="there is nothing"):
        backup(settings, str(target), ALL)


def test_a_backup_is_not_put_on_the_disk_it_is_of(settings: Settings) -> None:
    deliver(settings, 1)
    with pytest.raises(BackupError, match="within the home"):
        backup(settings, str(settings.home / "target"), ALL)


def test_no_backup_is_made_of_a_home_that_lost_something(settings: Settings, target: str) -> None:
    deliver(settings, 1)
    seal(settings)
    made = backup(settings, target, ALL)
    (path,) = log_files(settings)
    path.rename(path.with_suffix(".elsewhere"))
    with pytest.raises(BackupError, match="missing"):
        backup(settings, target, ALL)
    (settings.lake_dir / "catalog.sqlite").unlink()
    with pytest.raises(LakeError, match="lake of this home is gone"):
        backup(settings, target, ALL)
    assert [line.id for line in list_backups(target)] == [made.id]


def test_a_journal_that_cannot_be_read_is_spoken_of_and_the_rest_is_there(settings: Settings, target: str) -> None:
    deliver(settings, 1)
    path = deliver(settings, 2)
    path.unlink()
    path.symlink_to(settings.home / "nowhere")
    with pytest.raises(BackupError, match="is made, without"):
        backup(settings, target, ALL)
    assert len(paths_of(target)) == 1


def test_a_service_that_fails_now_and_then_gets_all(settings: Settings, s3: Proxy) -> None:
    for number in range(12):
        deliver(settings, *range(number * 50, number * 50 + 50))
    seal(settings)
    s3.share = 0.25
    backup(settings, "s3://backups/flaky", ALL)
    s3.share = 0.0
    assert verify_target("s3://backups/flaky").findings == ()
    assert sum(s3.met.values()) > s3.met["none"]


def test_a_large_object_goes_up_in_parts(settings: Settings, s3: Proxy) -> None:
    with JournalWriter(settings.journal_dir) as journal:
        for number in range(5):
            journal.append([decode(envelope(number, note="x" * 20_000_000), number)])
    backup(settings, "s3://backups/large", ALL)
    store = open_store("s3://backups/large")
    (item,) = read_manifest(store, list_ids(store)[-1]).manifest.items
    with Journal(journal.path) as written:
        assert item.size == written.size
    assert size_and_digest(store, item.object) == (item.size, item.digest)
    assert s3.met["none"] > 4


def test_what_does_not_answer_is_given_up(settings: Settings, s3: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(settings, 1)
    s3.down = True
    with pytest.raises(TargetUnreachable):
        open_store("s3://backups/down", attempts=2).put("x", io.BytesIO(), 0)
    s3.down = False
    with pytest.raises(BackupError, match="NoSuchBucket"):
        backup(settings, "s3://no-such-bucket/x", ALL)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(BackupError, match="no credentials") as raised:
        backup(settings, "s3://backups/x", ALL)
    assert "marked" not in str(raised.value)


def test_targets_that_are_none(settings: Settings) -> None:
    deliver(settings, 1)
    for target in ("gs://bucket/x", "s3://", "s3://key:secret@bucket/x"):
        with pytest.raises(BackupError) as raised:
            backup(settings, target, ALL)
        assert "secret" not in str(raised.value)


def test_a_manifest_says_what_it_is(settings: Settings, tmp_path: Path) -> None:
    deliver(settings, 1)
    made = backup(settings, str(tmp_path / "target"), ALL)
    manifest = json.loads((tmp_path / "target" / "backups" / f"{made.id}.json").read_text())
    assert manifest["format"] == 1
    assert manifest["journals"] == [path.name for path in settings.journal_dir.glob("*.journal")]
