"""Puts the rows of a file that say something new into the journal, each as one delivery, and from there into the log.

One load at a time for each home. What is in the journals is sealed first, so that the log says what is known: a load
that died half-way is in it as far as it came, and running it again adds the rest. A row that says what is known already
is no delivery.
"""

import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from warehouse.delivery.delivery import Delivery
from warehouse.delivery.envelope import decode
from warehouse.delivery.times import written_time
from warehouse.journal import JournalWriter
from warehouse.lake.connection import open_lake
from warehouse.log.sealer import seal
from warehouse.progress import Progress
from warehouse.reference.csv_file import Mistake, Row, read_file, wrong_file
from warehouse.reference.kinds import Kind
from warehouse.reference.state import Said, State, choose_tenant, read_state, tenants
from warehouse.reference.values import Value
from warehouse.settings import Settings
from warehouse.system.disk import make_folder
from warehouse.system.home_folder import HomeFolder
from warehouse.system.lock import hold_lock

LOCK_SECONDS: Final = 600.0
GROUP: Final = 500
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class LoadReport(msgspec.Struct, frozen=True):
    """What came of a file: its rows, those loaded, those that said what was known already. `is_new_tenant` says that no
    event of this tenant had come before."""

    kind: str
    tenant: str
    rows: int
    loaded: int
    unchanged: int
    is_new_tenant: bool


def load_reference(
    settings: Settings, kind: Kind, path: Path, tenant: str | None = None, progress: Progress | None = None
) -> LoadReport:
    """Load a file, or nothing of it when anything in it is wrong; returns when all of it is on the disk.

    `progress` is told the rows loaded and of how many. Raises ReferenceFileError, ReferenceDataError, LockHeld,
    JournalError or LakeError; after the last two, what was loaded before stays, and the file may be loaded again.
    """
    rows = read_file(path, kind)
    if not settings.home.exists():
        # A home that nobody has said whose data are for need not be begun.
        choose_tenant([], tenant)
    HomeFolder(settings.home)
    make_folder(settings.write_lock.parent)
    with hold_lock(settings.home / "reference.lock", wait=LOCK_SECONDS), open_lake(settings) as con:
        seal(settings, con=con)
        known = tenants(con)
        whose = choose_tenant(known, tenant)
        state = read_state(con, kind, whose)
        news = _news(path, kind, rows, state)
        if news:
            _append(settings, _deliveries(kind, whose, news, state), len(news), progress)
            seal(settings, con=con)
    return LoadReport(kind.name, whose, len(rows), len(news), len(rows) - len(news), whose not in known)


def _news(path: Path, kind: Kind, rows: Sequence[Row], state: State) -> list[Said]:
    """What each row says that is not known yet, with all that is known of its thing: a column that a file lacks keeps
    what it had, an empty field does not. A thing of which nothing is said but its id is nothing new."""
    news: list[Said] = []
    mistakes: list[Mistake] = []
    for row in rows:
        key = kind.key_of(row.said)
        nothing: dict[str, Value | None] = {
            name: row.said.get(name) if name in kind.key else None for name in kind.columns
        }
        known = state.things.get(key, nothing)
        said = {**known, **row.said}
        problem = _contradiction(kind, said)
        if problem:
            mistakes.append(Mistake(row.line, *problem))
        elif said != known:
            news.append(said)
    if mistakes:
        raise wrong_file(path, kind, mistakes)
    return news


def _contradiction(kind: Kind, said: Said) -> tuple[str, str] | None:
    """A column of a thing that cannot be so beside the others, and why."""
    if said.get("unit_cost") is not None and said.get("cost_currency") is None:
        return "cost_currency", "is empty beside a unit_cost: an amount needs its currency"
    opened, closed = said.get("opened_on"), said.get("closed_on")
    if isinstance(opened, str) and isinstance(closed, str) and closed < opened:
        return "closed_on", f"found '{closed}', allowed is no day before opened_on, {opened}"
    if kind.name == "rates" and said.get("currency") == said.get("to_currency"):
        return "to_currency", "found the currency itself, allowed is another one"
    return None


def _deliveries(kind: Kind, tenant: str, news: Sequence[Said], state: State) -> Iterator[Delivery]:
    """One delivery for each, published after all that was said of this kind, also where the clock was set back."""
    now = time.time_ns() // 1000
    published_at = written_time(max(now, state.published_at + 1))
    for said in news:
        body = _encode(
            {
                "tenant": tenant,
                "name": kind.event,
                "published_at": published_at,
                "payload": {
                    **({} if kind.key else {"tenant": tenant}),
                    **{name: _delivered(value) for name, value in said.items() if value is not None},
                    "loaded_at": published_at,
                },
            }
        )
        delivery = decode(body, now, with_reference=True)
        assert delivery.problem is None, delivery.problem
        yield delivery


def _append(settings: Settings, deliveries: Iterator[Delivery], total: int, progress: Progress | None) -> None:
    done = 0
    with JournalWriter(settings.journal_dir) as journal:
        while group := list(islice(deliveries, GROUP)):
            journal.append(group)
            done += len(group)
            if progress is not None:
                progress(done, total)


def _delivered(value: Value) -> Value:
    return Decimal(f"{value.normalize():f}") if isinstance(value, Decimal) else value
