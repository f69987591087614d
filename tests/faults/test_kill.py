"""A receiver that is killed, or asked to stop, at any moment under load has lost nothing that it acknowledged."""

import signal
import time
from pathlib import Path

import pytest

from tests.faults.conftest import Scale
from tests.faults.load import Load, body_of
from tests.faults.log_state import settings_of
from tests.live import running
from warehouse.journal import Reason
from warehouse.lake.connection import open_lake
from warehouse.log.sealer import seal
from warehouse.settings import Settings

CONNECTIONS = 64
A_ROUND = 1_000_000


@pytest.mark.parametrize(
    ("ending", "short"), [(signal.SIGKILL, 20), (signal.SIGTERM, 5)], ids=["killed", "asked to stop"]
)
def test_every_acknowledged_event_is_in_the_log_once(
    home: Path, scale: Scale, ending: signal.Signals, short: int
) -> None:
    chance = scale.chance()
    settings = settings_of(home, journal_keep=0)
    for number in range(scale.rounds(short, 10 * short)):
        workers = 1 if ending == signal.SIGTERM else None
        with running(home, workers=workers) as receiver, Load(receiver.port, CONNECTIONS, number * A_ROUND) as load:
            time.sleep(chance.uniform(0.0, 0.4))
            receiver.process.send_signal(ending)
            asked = time.monotonic()
            code = receiver.wait()
            assert time.monotonic() - asked < 10, "a supervisor would have killed it"
            load.wait()
            assert "Traceback" not in receiver.errors()
        if ending == signal.SIGTERM:
            assert code == 0
            assert load.answers.keys() <= {500, 503}
        report = seal(settings)
        assert {place.reason for place in report.damage} <= {Reason.TORN_TAIL}
        rows = logged(settings, report.batch)
        sent = {number for numbers in load.sent.values() for number in numbers}
        lost = {body_of(number) for number in load.acknowledged} - set(rows)
        scale.tell(rounds=1, events=len(load.acknowledged), faults=1, losses=len(lost))
        assert not lost
        assert len(rows) == len(set(rows)), "a delivery is in the log twice"
        assert set(rows) <= {body_of(number) for number in sent}
        assert list(settings.journal_dir.glob("*.new")) == []


def logged(settings: Settings, batch: int | None) -> list[bytes]:
    with open_lake(settings, read_only=True) as con:
        rows = con.execute(
            "select coalesce(raw_body, encode(body)) from log.events where batch = ?", [batch]
        ).fetchall()
    return [bytes(body) for (body,) in rows]
