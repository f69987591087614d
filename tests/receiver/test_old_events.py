"""Old events are not slow ones: a replay and the start of a stream are no alarm, and a steady delay is one."""

import base64
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.live import Receiver, running
from warehouse import simulate

WATCHER = "the-key-of-a-watcher"
ALARM = "but something needs a look"


def page_after(receiver: Receiver, bodies: Iterable[bytes]) -> str:
    """The text of the status page once it knows of all these deliveries."""
    count = sum(receiver.post(body).status == 200 for body in bodies)
    assert count
    credentials = base64.b64encode(f"anybody:{WATCHER}".encode()).decode()
    deadline = time.monotonic() + 30
    while True:
        page = receiver.request("GET", "/", headers={"Authorization": f"Basic {credentials}"}).body.decode()
        text = re.sub(r"<[^>]+>", " ", page)
        if f"{count:,} deliveries stored" in text or time.monotonic() > deadline:
            assert f"{count:,} deliveries stored" in text
            return text
        time.sleep(0.2)


def test_the_last_days_of_a_retailer_told_at_once_are_no_alarm(tmp_path: Path) -> None:
    with running(tmp_path / "home", {"WAREHOUSE_STATUS_KEYS": WATCHER}, workers=1) as receiver:
        text = page_after(receiver, simulate(events=600, end=datetime.now(UTC)))
    assert ALARM not in text
    assert "NewStore is catching up or sends old events again" in text


def test_a_steady_delay_is_an_alarm(tmp_path: Path) -> None:
    published = datetime.now(UTC) - timedelta(hours=1)
    bodies = (
        b'{"tenant":"t","name":"order.completed","published_at":"%s","payload":{"id":"%d"}}'
        % ((published + timedelta(seconds=number)).isoformat().encode(), number)
        for number in range(50)
    )
    with running(tmp_path / "home", {"WAREHOUSE_STATUS_KEYS": WATCHER}, workers=1) as receiver:
        text = page_after(receiver, bodies)
    assert ALARM in text
    assert "after they were published" in text
