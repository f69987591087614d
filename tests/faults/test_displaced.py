"""A journal, its folder or the home goes away while the receiver runs: what was answered 200 is found by a restart.

Nothing is answered 200 that is not in a file with its name, and no home is begun anew where one was.
"""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from receiver.answers import NOT_STORED, Refusal
from receiver.intake.group_commit import GroupCommit
from receiver.metrics import Metrics
from tests.faults.conftest import Scale
from tests.faults.load import Load, body_of
from tests.faults.log_state import seal_and_read, settings_of
from tests.live import envelope, running
from warehouse.delivery.delivery import Delivery
from warehouse.delivery.envelope import decode
from warehouse.errors import HomeMissing
from warehouse.journal import Damage, Journal, Reason, list_journals, read_journal
from warehouse.settings import Settings
from warehouse.system.home_folder import FOUND_ON, HomeFolder


def the_journal(home: Path) -> Path:
    (path,) = list_journals(home / "journal")
    return path


def unlink(home: Path) -> None:
    the_journal(home).unlink()


def rename(home: Path) -> None:
    path = the_journal(home)
    path.rename(home / path.name)


def rename_within_the_folder(home: Path) -> None:
    path = the_journal(home)
    path.rename(path.with_name("other.journal"))


def replace_by_a_copy(home: Path) -> None:
    path = the_journal(home)
    shutil.copy(path, home / "copy")
    (home / "copy").rename(path)


def remove_the_folder(home: Path) -> None:
    shutil.rmtree(home / "journal")


def move_the_folder(home: Path) -> None:
    (home / "journal").rename(home / "elsewhere")


def put_an_empty_folder(home: Path) -> None:
    shutil.rmtree(home / "journal")
    (home / "journal").mkdir()


def put_an_empty_home(home: Path) -> None:
    delete(home)
    home.mkdir()


def delete(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    assert not home.exists()


def move_away(home: Path) -> None:
    home.rename(home.with_name("moved"))


def bring_back(home: Path) -> None:
    assert not home.exists()
    home.with_name("moved").rename(home)


def unmount(home: Path) -> None:
    subprocess.run(["umount", "--lazy", home], check=True)


DEEDS = (
    unlink,
    rename,
    rename_within_the_folder,
    replace_by_a_copy,
    remove_the_folder,
    move_the_folder,
    put_an_empty_folder,
    put_an_empty_home,
)


def is_live(path: Path) -> bool:
    """Whether somebody writes to the journal; what nobody holds open any more cannot be rescued."""
    with Journal(path) as journal:
        return journal.live


def delivery(number: int) -> Delivery:
    return decode(envelope(number), 1_000_000 + number)


def run(home: Path, act: Callable[[GroupCommit], Awaitable[None]], reserve: int = 2**26) -> CollectorRegistry:
    """Act with a group commit on that home, then close it; its metrics."""
    metrics = Metrics(["order.created"])

    async def open_act_close() -> None:
        commit = GroupCommit(Settings(home=home, reserve=reserve), metrics)
        await commit.open()
        await act(commit)
        await commit.close()

    asyncio.run(open_act_close())
    return metrics.registry


def stored(home: Path, on_damage: Callable[[Damage], None] | None = None) -> list[Delivery]:
    """What a restart finds: each delivery of a journal once, in however many copies of it."""
    found = {}
    for path in list_journals(home / "journal"):
        for position, one in read_journal(path, on_damage=on_damage):
            found[one.received_at, position] = one
    return [found[key] for key in sorted(found)]


@pytest.mark.parametrize("deed", DEEDS)
def test_the_next_group_and_what_was_there_are_both_under_a_name(home: Path, deed: Callable[[Path], None]) -> None:
    async def act(commit: GroupCommit) -> None:
        for number in range(3):
            await commit.append(delivery(number))
        deed(home)
        # A new journal: what it is given is its first.
        assert await commit.append(delivery(3)) == 0
        assert stored(home) == [delivery(number) for number in range(4)]
        assert await commit.append(delivery(4)) == 1

    registry = run(home, act)
    assert stored(home) == [delivery(number) for number in range(5)]
    assert registry.get_sample_value("newstore_journals_displaced_total") == 1
    assert registry.get_sample_value("newstore_journal_failures_total") == 0
    assert registry.get_sample_value("newstore_journal_writable") == 1


@pytest.mark.parametrize("deed", DEEDS)
def test_what_goes_away_while_nothing_comes_is_rescued_as_well(home: Path, deed: Callable[[Path], None]) -> None:
    async def act(commit: GroupCommit) -> None:
        await commit.append(delivery(0))
        deed(home)
        assert await commit.find_fault() is None
        assert stored(home) == [delivery(0)]
        await commit.append(delivery(1))
        for path in list_journals(home / "journal"):
            if is_live(path):
                path.unlink()

    registry = run(home, act)
    assert stored(home) == [delivery(0), delivery(1)]
    assert registry.get_sample_value("newstore_journals_displaced_total") == 2


def test_a_copy_is_the_same_journal_and_is_sealed_once(home: Path) -> None:
    async def act(commit: GroupCommit) -> None:
        await commit.append(delivery(0))
        rename_within_the_folder(home)
        await commit.append(delivery(1))

    run(home, act)
    assert len(list_journals(home / "journal")) == 3
    assert sorted(seal_and_read(home)) == [envelope(0), envelope(1)]


@pytest.mark.parametrize("left", ["nothing", "the header", "a record", "half a record"])
def test_what_was_cut_off_is_found_missing(home: Path, left: str) -> None:
    sizes: list[int] = []

    async def act(commit: GroupCommit) -> None:
        for number in range(3):
            assert commit._writer is not None
            sizes.append(commit._writer.size)
            await commit.append(delivery(number))
        whole = {"nothing": 0, "the header": sizes[0], "a record": sizes[1], "half a record": sizes[1] + 60}[left]
        os.truncate(the_journal(home), whole)
        assert await commit.append(delivery(3)) == 0

    registry = run(home, act)
    damage: list[Damage] = []
    kept = [delivery(0)] if "a record" in left else []
    assert stored(home, damage.append) == [*kept, delivery(3)]
    (one,) = damage
    assert one.reason in (Reason.CORRUPT, Reason.HEADER)
    assert (one.first_missing, one.last_missing) == (len(kept), None)
    assert registry.get_sample_value("newstore_journals_displaced_total") == 1


def test_room_that_was_cut_off_is_no_fault(home: Path) -> None:
    async def act(commit: GroupCommit) -> None:
        await commit.append(delivery(0))
        assert commit._writer is not None
        os.truncate(the_journal(home), commit._writer.size)
        assert await commit.append(delivery(1)) == 1

    registry = run(home, act)
    assert registry.get_sample_value("newstore_journals_displaced_total") == 0
    assert stored(home) == [delivery(0), delivery(1)]


def test_a_home_that_is_gone_is_waited_for(home: Path) -> None:
    async def act(commit: GroupCommit) -> None:
        await commit.append(delivery(0))
        move_away(home)
        for number in (1, 2):
            with pytest.raises(Refusal) as refused:
                await commit.append(delivery(number))
            assert refused.value.answer is NOT_STORED
            assert await commit.find_fault() == "the home is gone"
        bring_back(home)
        assert await commit.find_fault() is None
        await commit.append(delivery(3))

    registry = run(home, act)
    assert stored(home) == [delivery(0), delivery(3)]
    assert registry.get_sample_value("newstore_journals_displaced_total") == 1
    assert registry.get_sample_value("newstore_journal_failures_total") == 2


def test_a_home_that_was_deleted_is_rescued_once_there_is_one_again(home: Path) -> None:
    async def act(commit: GroupCommit) -> None:
        await commit.append(delivery(0))
        delete(home)
        assert await commit.find_fault() == "the home is gone"
        put_an_empty_home(home)

    run(home, act)
    assert stored(home) == [delivery(0)]


def test_a_home_of_which_the_disk_is_gone_is_not_begun_on_the_disk_below(home: Path) -> None:
    home.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16M", "tmpfs", str(home)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small file system")
    faults: list[str | None] = []

    async def act(commit: GroupCommit) -> None:
        await commit.append(delivery(0))
        unmount(home)
        with pytest.raises(Refusal):
            await commit.append(delivery(1))
        faults.append(await commit.find_fault())

    run(home, act, reserve=2**20)
    assert faults == ["the home is gone"]
    assert list(home.iterdir()) == []


def test_a_child_of_a_supervisor_begins_no_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(*HomeFolder(home).for_children().popitem())
    HomeFolder(home).check()
    home.rmdir()
    with pytest.raises(HomeMissing):
        HomeFolder(home)
    assert not home.exists()
    monkeypatch.delenv(FOUND_ON)
    HomeFolder(home)
    assert home.is_dir()


@pytest.mark.parametrize("workers", [1, 2])
def test_under_load_everything_answered_200_is_found_after_a_restart(home: Path, scale: Scale, workers: int) -> None:
    chance = scale.chance()
    with running(home, workers=workers) as receiver:
        deleted: set[Path] = set()
        with Load(receiver.port, 16, 0) as load:
            for _ in range(scale.rounds(6, 60)):
                load.pause(chance.uniform(0.01, 0.3))
                for path in list_journals(home / "journal"):
                    # A copy has the name of the one that was deleted. Once it is whole nobody holds it open.
                    if path not in deleted and is_live(path):
                        path.unlink()
                        deleted.add(path)
                        scale.tell(faults=1)
        assert receiver.stop() == 0
        assert "Traceback" not in receiver.errors()
    # A new journal may be deleted before its first group has come.
    assert load.answers.keys() <= {500}
    lost = {body_of(number) for number in load.acknowledged} - {one.body for one in stored(home)}
    scale.tell(rounds=1, events=len(load.acknowledged), losses=len(lost))
    assert not lost


def test_the_page_ready_and_the_metrics_say_so(home: Path) -> None:
    key = {"Authorization": "Bearer test-key"}
    with running(home, workers=1) as receiver:
        assert receiver.post(envelope(0)).status == 200
        unlink(home)
        assert receiver.post(envelope(1)).status == 200
        assert receiver.get("/ready").status == 200
        assert receiver.metrics()["newstore_journals_displaced_total"] == 1
        page = receiver.request("GET", "/", headers=key).body.decode()
        assert "1 journal was deleted, moved or cut short in use" in page

        move_away(home)
        refused = receiver.post(envelope(2))
        assert (refused.status, refused.headers["retry-after"]) == (500, "5")
        ready = receiver.get("/ready")
        assert (ready.status, json.loads(ready.body)["problem"]) == (503, "the home is gone")
        metrics = receiver.metrics()
        assert (metrics["newstore_home_present"], metrics["newstore_journal_writable"]) == (0, 0)
        page = receiver.request("GET", "/", headers=key).body.decode()
        assert "Nothing can be stored: the home is gone" in page
        bring_back(home)
        assert receiver.get("/ready").status == 200
        assert receiver.post(envelope(3)).status == 200
        assert receiver.metrics()["newstore_home_present"] == 1
        assert receiver.stop() == 0
    assert [one.body for one in stored(home)] == [envelope(0), envelope(1), envelope(3)]
    assert settings_of(home).home == home
