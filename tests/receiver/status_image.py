"""Makes the pictures of the status page in docs/images: `make status-image`.

The receiver, its deliveries, the refresh and the page are real; the hour before them is made up, since nobody wants to
wait for it.
"""

import math
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image

from receiver.status.history import MINUTES, Hour, Minute
from tests.live import KEY, ROOT, Receiver, running
from tests.receiver.browser import chromium
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings
from warehouse.simulator import simulate
from warehouse.trial.client import post

IMAGES = ROOT / "docs" / "images"
SEED = 7
LAG = timedelta(seconds=0.4)
VIEWS = {
    "status": ({"width": 1120, "height": 900}, "light"),
    "status-dark": ({"width": 1120, "height": 900}, "dark"),
    "status-phone": ({"width": 390, "height": 844}, "light"),
}


def main() -> None:
    # The page shows where it is, so this is no folder with a made-up name.
    home = Path(tempfile.gettempdir()) / "newstore"
    home.mkdir()
    try:
        names = [msgspec.json.decode(body)["name"] for body in simulate(events=2_000, seed=SEED)]
        made_up = home / "status" / "before.hour"
        made_up.parent.mkdir(parents=True)
        made_up.write_bytes(msgspec.json.encode(Hour(0, 0.0, _hour_before(names))))
        with running(home, workers=2) as receiver:
            address = f"http://127.0.0.1:{receiver.port}"
            post(address, KEY, _recent(simulate(events=450, seed=SEED, bad=0.005)), 4, rate=8)
            refresh(Settings(home=home))
            post(address, KEY, _recent(simulate(events=60, seed=SEED + 1)), 2, rate=8)
            _take(receiver)
    finally:
        shutil.rmtree(home)


def _hour_before(names: list[str]) -> list[Minute]:
    """A shop's quiet morning that turns into a busy one, with one minute in which the disk was slow."""
    chance = random.Random(SEED)
    now = int(time.time())
    minutes = []
    for before in range(MINUTES - 1, 0, -1):
        count = int(260 + 170 * math.sin((MINUTES - before) / 19) + chance.randrange(60))
        lags = [chance.lognormvariate(-0.6, 0.5) for _ in range(200)]
        answers = {"200": count, "429": 41} if before == 23 else {"200": count}
        taken = Counter(chance.choices(names, k=count))
        longest = max(lags) * chance.uniform(1, 6)
        minutes.append(
            Minute(now - now % 60 - 60 * before, answers, taken, {}, 2000 * count, count, count / 900, longest, lags)
        )
    return minutes


def _recent(bodies: Iterable[bytes]) -> Iterator[bytes]:
    """The simulated deliveries as if they were published a moment before they are posted; what is no JSON stays so."""
    for body in bodies:
        try:
            event = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError:
            yield body
        else:
            yield msgspec.json.encode({**event, "published_at": f"{datetime.now(UTC) - LAG:%Y-%m-%dT%H:%M:%S.%fZ}"})


def _take(receiver: Receiver) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for name, (size, scheme) in VIEWS.items():
            context = browser.new_context(
                viewport=size,  # type: ignore[arg-type]
                color_scheme="dark" if scheme == "dark" else "light",
                java_script_enabled=False,
                http_credentials={"username": "docs", "password": KEY},
            )
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{receiver.port}/")
            path = IMAGES / f"{name}.png"
            page.screenshot(path=path, full_page=True)
            context.close()
            few = (
                Image.open(path)
                .convert("RGB")
                .quantize(128, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            )
            few.save(path, optimize=True)
            sys.stdout.write(f"{path.relative_to(ROOT)}  {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
