"""A home of a simulated quarter of a year that two refreshes built, for tests that look at it as an analyst does."""

from pathlib import Path

from warehouse import refresh, replay
from warehouse.reference.kinds import KINDS
from warehouse.reference.load import load_reference
from warehouse.settings import Settings
from warehouse.simulator import simulate

EVENTS = 3000
DAYS = 70


def make_shop(home: Path, seed: int = 1, *, with_reference: bool = False) -> Path:
    """Fill `home`: two thirds of the deliveries before a first refresh, the rest before a second one.

    `with_reference` data of the retailer are loaded before the first.
    """
    home.mkdir(parents=True)
    retailer = simulate(events=EVENTS, days=DAYS, seed=seed, bad=0.005, with_reference=with_reference)
    bodies = list(retailer)
    first = len(bodies) * 2 // 3
    for number, part in enumerate((bodies[:first], bodies[first:])):
        file = home / f"part-{number}.ndjson"
        file.write_bytes(b"".join(body + b"\n" for body in part))
        replay([file], home)
        if with_reference and number == 0:
            for kind, rows in retailer.write_reference(home / "reference"):
                load_reference(Settings(home=home), KINDS[kind], rows)
        refresh(home)
        file.unlink()
    return home
