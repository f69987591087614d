"""The n-th system call fails, falls short, or is the last thing that happens: for every n, until a run meets no fault.

Afterwards the log is what was acknowledged, plus at most what was not; no delivery is there twice, no file is astray.
"""

import errno
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Ending, Scale, Stand
from tests.faults.log_state import seal_and_read, settings_of
from tests.faults.trace import Call
from tests.live import envelope
from warehouse.delivery.delivery import Delivery
from warehouse.journal import Damage, Reason, list_journals, read_journal

GROUPS = [[envelope(10 * group + n).decode() for n in range(3)] for group in range(6)]
CALLS = ("write", "sync", "open", "rename", "unlink", "mkdir", "truncate")
ERRORS = {
    "write": (errno.EIO, errno.ENOSPC, errno.EINTR),
    "sync": (errno.EIO, errno.ENOSPC, errno.EINTR),
    "open": (errno.EIO, errno.ENOSPC, errno.EMFILE),
    "rename": (errno.EIO, errno.ENOSPC),
    "unlink": (errno.EIO,),
    "mkdir": (errno.ENOSPC,),
    "truncate": (errno.EIO,),
}
# What may end a process at its n-th call; "half" leaves a half-written file as well.
DEATHS = ("any:{n}:kill", "write:{n}:half")
FAILURES = ("write:{n}:short", *(f"{call}:{{n}}:{number}" for call in CALLS for number in ERRORS[call]))


def bodies(groups: list[str] | range) -> set[bytes]:
    return {body.encode() for number in groups for body in GROUPS[int(number)]}


def check(home: Path, ending: Ending) -> None:
    """A clean run follows; what the log holds then."""
    rows = seal_and_read(home)
    assert len(rows) == len(set(rows))
    assert bodies(ending.said) <= set(rows) <= bodies(range(len(GROUPS)))


def synced_after_a_failed_sync(calls: list[Call]) -> bool:
    """Whether a file was synced, or written to, once more after a sync of it had failed."""
    failed: set[int] = set()
    for call in calls:
        if call.what in "OC":
            failed.discard(call.descriptor)
        elif call.what in "WB" and call.descriptor in failed:
            return True
        elif call.what == "S" and call.flags not in (0, errno.EINTR):
            failed.add(call.descriptor)
    return False


@pytest.mark.parametrize("fault", [*DEATHS, *FAILURES])
def test_writing_a_journal_survives_a_fault_at_its_nth_call(
    stand: Stand, tmp_path: Path, scale: Scale, fault: str
) -> None:
    numbers = range(1, 1000)
    for n in numbers:
        home = tmp_path / str(n) / "home"
        home.parent.mkdir()
        ending = stand.run("write", home, fault.format(n=n), groups=GROUPS, rotate=2)
        assert not synced_after_a_failed_sync(ending.calls)
        stored = [delivery.body for path in list_journals(settings_of(home).journal_dir) for delivery in read(path)]
        assert bodies(ending.said) <= set(stored) <= bodies(range(len(GROUPS)))
        assert len(stored) == len(set(stored))
        scale.tell(rounds=1, events=len(bodies(ending.said)), faults=ending.fired)
        if not ending.fired:
            assert len(ending.said) == len(GROUPS)
            break
        if n == 1 or scale.long:
            check(home, ending)
    else:
        pytest.fail("every run met its fault")


def read(path: Path) -> Iterator[Delivery]:
    damage: list[Damage] = []
    yield from (delivery for _, delivery in read_journal(path, on_damage=damage.append))
    assert {one.reason for one in damage} <= {Reason.TORN_TAIL}


@pytest.fixture(scope="module")
def unsealed(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a lake that has a batch, journals that are sealed but kept, and others that are not sealed yet."""
    home = tmp_path_factory.mktemp("unsealed") / "home"
    stand.run("write", home, groups=GROUPS[:3], rotate=2)
    seal_and_read(home)
    stand.run("write", home, groups=GROUPS[3:], rotate=2)
    return home


def seal_with(stand: Stand, template: Path, place: Path, plan: str) -> tuple[Path, Ending]:
    home = place / plan.replace(":", "-") / "home"
    shutil.copytree(template, home)
    return home, stand.run("seal", home, plan)


def points(stand: Stand, template: Path, place: Path) -> Counter[str]:
    """How many calls of each kind a sealing makes that meets no fault."""
    _, ending = seal_with(stand, template, place, "any:100000:kill")
    assert ending.status == 0
    kinds = {"W": "write", "B": "sync", "O": "open", "R": "rename", "U": "unlink", "M": "mkdir", "T": "truncate"}
    counts = Counter(kinds[call.what] for call in ending.calls if call.what in kinds)
    counts["any"] = counts.total()
    return counts


@pytest.mark.parametrize(
    "first",
    [pytest.param(False, marks=pytest.mark.long, id="a further batch"), pytest.param(True, id="the first batch")],
)
@pytest.mark.parametrize("deadly", [True, False], ids=["dies", "fails"])
def test_sealing_survives_a_fault_at_its_nth_call(
    stand: Stand, unsealed: Path, tmp_path: Path, scale: Scale, deadly: bool, first: bool
) -> None:
    template = unsealed
    if first:
        template = tmp_path / "new" / "home"
        stand.run("write", template, groups=GROUPS, rotate=2)
    counts = points(stand, template, tmp_path)
    faults = DEATHS if deadly else FAILURES
    plans = [fault.format(n=n) for fault in faults for n in range(1, counts[fault.partition(":")[0]] + 1)]
    chance = scale.chance()
    for plan in plans if scale.long else chance.sample(plans, min(len(plans), 7)):
        home, ending = seal_with(stand, template, tmp_path, plan)
        assert ending.fired or not deadly, plan
        rows = seal_and_read(home)
        assert sorted(rows) == sorted(bodies(range(len(GROUPS)))), plan
        scale.tell(rounds=1, events=len(rows), faults=ending.fired)
        shutil.rmtree(home.parent)
