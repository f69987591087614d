"""Two processes never hold one lock, and a lock ends with its process."""

import subprocess
import sys
from pathlib import Path

import pytest

from warehouse.errors import HomeMissing, LockHeld
from warehouse.system.lock import hold_lock

HOLDER = """
import sys, time
from pathlib import Path
from warehouse.system.lock import hold_lock
with hold_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "write.lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockHeld, match=rf"process {holder.pid} since 20\d\d-"), hold_lock(path):
            pass
        holder.kill()
        holder.wait()
        with hold_lock(path, wait=10):
            assert not path.read_text().startswith(f"{holder.pid} ")


def test_a_lock_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with hold_lock(tmp_path / "write.lock"):
            pass


def test_a_lock_begins_no_home(tmp_path: Path) -> None:
    with pytest.raises(HomeMissing, match="no such folder"), hold_lock(tmp_path / "gone" / "write.lock"):
        pass
    assert list(tmp_path.iterdir()) == []
