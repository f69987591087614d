"""A home made of a backup is what the home was; one that is not whole is not used, and nothing is ever written over."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.faults.log_state import seal_and_read
from tests.journals import deliver, lose_journals
from tests.live import envelope
from tests.properties.cases import digests
from warehouse.backup.backup import backup
from warehouse.backup.manifest import Item, read_manifest, write_manifest
from warehouse.backup.restore import restore
from warehouse.backup.retention import Keep
from warehouse.backup.store import open_store
from warehouse.care import lake_compaction
from warehouse.care.lake_compaction import compact
from warehouse.care.verify import verify
from warehouse.errors import BackupError, HomeMissing
from warehouse.log.sealer import seal
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings
from warehouse.system.home_folder import HomeFolder

ALL = Keep()


@pytest.fixture
def other(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "other", memory=10**9)


def bodies(*numbers: int) -> set[bytes]:
    return {envelope(number) for number in numbers}


def test_all_that_was_acknowledged_before_the_backup_is_there(settings: Settings, other: Settings, target: str) -> None:
    deliver(settings, 1, 2)
    seal(settings)
    deliver(settings, 3)
    made = backup(settings, target, ALL)
    deliver(settings, 4)
    restored = restore(other, target)
    assert (restored.backup, restored.files) == (made.id, made.files)
    assert verify(other).findings == ()
    assert set(seal_and_read(other.home)) == bodies(1, 2, 3)
    # It goes on in the same target.
    deliver(other, 5)
    assert backup(other, target, ALL).new_files > 0


def test_the_marts_are_those_of_the_home_at_the_backup(settings: Settings, other: Settings, tmp_path: Path) -> None:
    deliver(settings, 1, 2)
    refresh(settings)
    compact(settings)
    deliver(settings, 3)
    backup(settings, str(tmp_path / "target"), ALL)
    restore(other, str(tmp_path / "target"))
    refresh(other)
    refresh(settings)
    assert digests(other) == digests(settings)
    deliver(other, 4)
    deliver(settings, 4)
    assert refresh(other).rebuilt is None
    refresh(settings)
    assert digests(other) == digests(settings)
    assert verify(other).findings == ()


def test_files_that_waited_for_their_deletion_are_not_missed(
    settings: Settings, other: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        deliver(settings, number)
        seal(settings)
    compact(settings)
    backup(settings, str(tmp_path / "target"), ALL)
    restore(other, str(tmp_path / "target"))
    monkeypatch.setattr(lake_compaction, "READER_SECONDS", -3600)
    compact(Settings(home=other.home, memory=10**9, snapshots_keep=0))
    compact(Settings(home=other.home, memory=10**9, snapshots_keep=0))
    assert verify(other).findings == ()
    assert set(seal_and_read(other.home)) == bodies(0, 1, 2)


def test_an_earlier_time_is_the_newest_backup_before_it(settings: Settings, other: Settings, target: str) -> None:
    deliver(settings, 1)
    first = backup(settings, target, ALL)
    deliver(settings, 2)
    second = backup(settings, target, ALL)
    with pytest.raises(BackupError, match="from so early"):
        restore(other, target, "2001-01-01")
    with pytest.raises(BackupError, match="not a timestamp"):
        restore(other, target, "yesterday")
    shutil.rmtree(other.home, ignore_errors=True)
    moment = datetime.fromtimestamp((first.moment + second.moment) / 2, UTC)
    assert restore(other, target, moment.isoformat()).backup == first.id
    assert set(seal_and_read(other.home)) == bodies(1)


def test_a_home_that_is_not_empty_is_left_alone(settings: Settings, other: Settings, tmp_path: Path) -> None:
    target = str(tmp_path / "target")
    deliver(settings, 1)
    backup(settings, target, ALL)
    deliver(other, 2)
    with pytest.raises(BackupError, match="not empty: journal"):
        restore(other, target)
    assert set(seal_and_read(other.home)) == bodies(2)
    with pytest.raises(BackupError, match="no backup here"):
        restore(Settings(home=tmp_path / "third"), str(tmp_path / "nothing"))
    elsewhere = Settings(home=tmp_path / "fourth", data_path=str(tmp_path / "data"))
    with pytest.raises(BackupError, match="puts the lake into the home"):
        restore(elsewhere, target)


def test_what_is_not_whole_is_not_used_and_goes_on(settings: Settings, other: Settings, tmp_path: Path) -> None:
    target = tmp_path / "target"
    deliver(settings, 1, 2)
    seal(settings)
    lose_journals(settings)
    made = backup(settings, str(target), ALL)
    path = min((target / "files").iterdir())
    content = path.read_bytes()
    path.write_bytes(b"\0" * len(content))
    with pytest.raises(BackupError, match="is not as it was written"):
        restore(other, str(target))
    path.unlink()
    with pytest.raises(BackupError, match="is gone"):
        restore(other, str(target))
    with pytest.raises(HomeMissing, match="has not ended"):
        HomeFolder(other.home)
    with pytest.raises(BackupError, match=f"restore of backup {made.id} .* is unfinished"):
        restore(other, str(target), "2999-01-01")
    path.write_bytes(content)
    restore(other, str(target))
    assert verify(other).findings == ()
    assert set(seal_and_read(other.home)) == bodies(1, 2)


def test_what_must_happen_after_a_restore_happens_before_the_home_is_used(
    settings: Settings, other: Settings, tmp_path: Path
) -> None:
    target = str(tmp_path / "target")
    deliver(settings, 1)
    seal(settings)
    backup(settings, target, ALL)
    calls: list[int] = []

    def act(restored: Settings) -> None:
        calls.append(len(seal_and_read(restored.home)))
        deliver(restored, 2)
        seal(restored)
        if len(calls) == 1:
            raise OSError("the machine dies")

    with pytest.raises(OSError, match="dies"):
        restore(other, target, after=act)
    with pytest.raises(HomeMissing):
        HomeFolder(other.home)
    restore(other, target, after=act)
    # What it had changed stays as it left it.
    assert calls == [1, 2]
    HomeFolder(other.home)
    assert set(seal_and_read(other.home)) == bodies(1, 2)


def test_a_manifest_that_names_what_no_home_has_is_refused(settings: Settings, other: Settings, tmp_path: Path) -> None:
    deliver(settings, 1)
    store = open_store(str(tmp_path / "target"))
    made = backup(settings, store.address, ALL)
    manifest = read_manifest(store, made.id).manifest
    for path in ("journal/../../outside", "/etc/outside", "keys.txt"):
        item = Item(path, manifest.items[0].size, manifest.items[0].digest)
        write_manifest(store, msgspec.structs.replace(manifest, moment=manifest.moment + 1, items=(item,)))
        with pytest.raises(BackupError, match="nothing that a home has"):
            restore(other, store.address)
        shutil.rmtree(other.home)
    assert not (tmp_path / "outside").exists()
