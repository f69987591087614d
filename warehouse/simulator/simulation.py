"""How a simulated world's events are delivered: at least once, in no order, some of them very late, as NewStore does.

Nothing is kept but what is on its way, so a year takes no more memory than a week, apart from the books.
"""

import json
import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from heapq import heappop, heappush
from typing import Final, TypeAlias

from msgspec import Struct

from warehouse.simulator import clock
from warehouse.simulator.broken import Breaker
from warehouse.simulator.chance import Chance
from warehouse.simulator.clock import DAY, HOUR, MINUTE
from warehouse.simulator.truth import Truth
from warehouse.simulator.world import Told, World

# Of the deliveries that are not late, these wait for minutes; of the repeated ones, these come from a replay.
SLOW_SHARE: Final = 0.05
SLOWEST: Final = 45
REPLAYED_SHARE: Final = 0.2

OnItsWay: TypeAlias = tuple[int, int, bytes]


class Delivering(Struct, frozen=True):
    """How deliveries go: shares of the events, and the mean lag from publishing to delivery."""

    tenant: str
    duplicates: float
    disorder: timedelta
    late: float
    bad: float
    # After this moment (ms) nothing is published, and everything has arrived; None: there is no such moment.
    end: int | None = None


class Simulation:
    """Bodies of deliveries in the order of their arrival. Iterating again gives the same again."""

    def __init__(
        self,
        seed: int,
        delivering: Delivering,
        make_world: Callable[[], World],
        until: int | None,
        expected_events: int | None,
    ) -> None:
        self._seed = seed
        self._expected_events = expected_events
        self._delivering = delivering
        self._make_world = make_world
        self._until = until
        self._truth: Truth | None = None

    @property
    def expected_deliveries(self) -> int | None:
        """About how many there will be; None when only the days are known."""
        if self._expected_events is None:
            return None
        how = self._delivering
        return round(self._expected_events * (1 + how.duplicates + how.bad / (1 - how.bad)))

    @property
    def truth(self) -> Truth:
        """What the events add up to; known once all deliveries were taken."""
        if self._truth is None:
            raise RuntimeError("the truth is known only after the last delivery was taken")
        return self._truth

    def __iter__(self) -> Iterator[bytes]:
        self._truth = None
        world = self._make_world()
        courier = _Courier(self._seed, self._delivering, world.truth)
        for told in world.run(self._until):
            courier.take(told)
            # Whatever is published from now on cannot be delivered before now.
            yield from courier.due(world.now)
        yield from courier.due(None)
        self._truth = world.truth


class _Courier:
    """Takes events as they are published and gives them away when they arrive."""

    def __init__(self, seed: int, delivering: Delivering, truth: Truth) -> None:
        self._chance = Chance(f"{seed}:delivery")
        self._breaker = Breaker(Chance(f"{seed}:broken"), delivering.tenant, truth.counts)
        self._how = delivering
        self._lag = delivering.disorder / timedelta(milliseconds=1)
        # So that there are `duplicates` further deliveries for each event on average.
        self._again = delivering.duplicates / (1 + delivering.duplicates)
        self._broken = delivering.bad / (1 - delivering.bad)
        self._counts = truth.counts
        self._tenant = json.dumps(delivering.tenant, ensure_ascii=False)
        self._heads: dict[str, bytes] = {}
        self._on_their_way: list[OnItsWay] = []
        self._taken = 0

    def take(self, told: list[Told]) -> None:
        """Send events on their way, some of them twice, some with a broken envelope beside them."""
        chance = self._chance
        for moment, name, payload in told:
            published_at = self._by_the_end(moment)
            body = self._envelope(name, published_at, payload)
            arrival = published_at + self._delay()
            self._send(arrival, body)
            while chance.random() < self._again:
                self._counts.duplicates += 1
                if chance.random() < REPLAYED_SHARE:
                    # A replay is published anew, days later.
                    replayed_at = self._by_the_end(arrival + chance.between(HOUR, 10 * DAY))
                    self._send(replayed_at + self._delay(), self._envelope(name, replayed_at, payload))
                else:
                    self._send(arrival + 1 + int(-math.log(1 - chance.random()) * MINUTE), body)
            if self._broken and chance.random() < self._broken:
                self._send(arrival, self._breaker.break_envelope(name, body))

    def due(self, moment: int | None) -> Iterator[bytes]:
        """What arrives up to that moment; all there is when there is no moment."""
        waiting = self._on_their_way
        while waiting and (moment is None or waiting[0][0] <= moment):
            self._counts.deliveries += 1
            yield heappop(waiting)[2]

    def _send(self, arrival: int, body: bytes) -> None:
        self._taken += 1
        heappush(self._on_their_way, (self._by_the_end(arrival), self._taken, body))

    def _by_the_end(self, moment: int) -> int:
        return moment if self._how.end is None else min(moment, self._how.end)

    def _delay(self) -> int:
        chance = self._chance
        luck = chance.random()
        if luck < self._how.late:
            return HOUR + int(chance.random() * 5 * DAY)
        if luck < self._how.late + SLOW_SHARE:
            return int(self._lag * chance.random() * SLOWEST)
        return int(-math.log(1 - chance.random()) * self._lag * 0.5)

    def _envelope(self, name: str, published_at: int, payload: bytes) -> bytes:
        head = self._heads.get(name)
        if head is None:
            head = self._heads[name] = f'{{"tenant":{self._tenant},"name":"{name}","published_at":"'.encode()
        return b'%b%b","payload":%b}' % (head, clock.text(published_at).encode(), payload)
