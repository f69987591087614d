"""The backup that docs/running.md describes, made while events arrive and are sealed, holds all that came before it."""

import os
import shutil
import subprocess
import threading
from pathlib import Path

from tests.docs.pages import blocks_of
from tests.faults.conftest import Scale
from tests.faults.load import Load, body_of
from tests.faults.log_state import seal_and_read, settings_of
from tests.live import ROOT, running
from warehouse.care.lake_compaction import compact
from warehouse.care.verify import verify
from warehouse.log.sealer import seal
from warehouse.settings import Settings


def commands() -> str:
    """The block of the guide, but for its last line: the copy is looked at here."""
    (block,) = [block for block in blocks_of(ROOT / "docs" / "running.md") if ".backup(copy)" in block.text]
    lines = block.text.strip().splitlines()
    assert lines[-1] == 'warehouse log verify --home "$backup"'
    return "\n".join(lines[:-1])


def keep_sealing(settings: Settings, stop: threading.Event) -> None:
    rounds = 0
    while not stop.is_set():
        seal(settings)
        rounds += 1
        if rounds % 10 == 0:
            compact(settings)


def test_a_backup_under_load_is_whole(home: Path, tmp_path: Path, scale: Scale) -> None:
    settings, stop = settings_of(home), threading.Event()
    with running(home) as receiver, Load(receiver.port, 8, 0) as load:
        load.pause(0.5)
        seal(settings)
        sealing = threading.Thread(target=keep_sealing, args=(settings, stop))
        sealing.start()
        try:
            for number in range(scale.rounds(3, 20)):
                load.pause(0.3)
                acknowledged = {body_of(event) for event in list(load.acknowledged)}
                check(back_up(home, tmp_path / str(number)), acknowledged, scale)
        finally:
            stop.set()
            sealing.join()


def back_up(home: Path, folder: Path) -> Path:
    folder.mkdir()
    # No `-e`: a file that goes while it is copied makes cp fail, and is none that the copy needs.
    subprocess.run(["bash", "-c", commands()], cwd=folder, env={**os.environ, "WAREHOUSE_HOME": str(home)}, check=False)
    (backup,) = folder.iterdir()
    return backup


def check(backup: Path, acknowledged: set[bytes], scale: Scale) -> None:
    findings = verify(settings_of(backup)).findings
    assert [str(finding) for finding in findings if not finding.place.startswith("torn tail")] == []
    rows = seal_and_read(backup, is_copy=True)
    lost = acknowledged - set(rows)
    scale.tell(rounds=1, events=len(acknowledged), losses=len(lost))
    assert not lost
    assert len(rows) == len(set(rows))
    shutil.rmtree(backup)
