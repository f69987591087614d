"""A home of a simulated quarter of a year that two refreshes built, for tests that look at it as an analyst does."""

from pathlib import Path

from warehouse import refresh, replay, simulate

EVENTS = 3000
DAYS = 70


def make_shop(home: Path, seed: int = 1) -> Path:
    """Fill `home`: two thirds of the deliveries before a first refresh, the rest before a second one."""
    home.mkdir(parents=True)
    bodies = list(simulate(events=EVENTS, days=DAYS, seed=seed, bad=0.005))
    first = len(bodies) * 2 // 3
    for number, part in enumerate((bodies[:first], bodies[first:])):
        file = home / f"part-{number}.ndjson"
        file.write_bytes(b"".join(body + b"\n" for body in part))
        replay([file], home)
        refresh(home)
        file.unlink()
    return home
