"""The simulated world: one clock, and everything that happens in the order in which it happens.

An event is told at the moment it happens, and its change is booked only if it was told. What happens before the stream
starts, or belongs to a family that is not wanted, happens all the same but is neither told nor booked.
"""

from collections.abc import Collection, Generator, Iterator, Mapping
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from warehouse.contract import load_contract
from warehouse.errors import SettingsError
from warehouse.simulator.catalogue import Catalogue
from warehouse.simulator.chance import Chance
from warehouse.simulator.people import Employee, Population
from warehouse.simulator.places import Place
from warehouse.simulator.stockroom import Stockroom
from warehouse.simulator.truth import Truth

if TYPE_CHECKING:
    from warehouse.simulator.orders import Order

# Something that goes on for a while: it yields the moments (ms) at which it goes on, each later than the one before.
Course: TypeAlias = Generator[int, None, None]
# When NewStore published an event (ms), its name, its payload as JSON.
Told: TypeAlias = tuple[int, str, bytes]

REMEMBERED_CUSTOMERS: Final = 20_000
_encode: Final = msgspec.json.Encoder().encode


class World:
    """All that the courses of events share; `now` is the moment in which they act."""

    def __init__(
        self, seed: int, start: int, events: int | None, families: Collection[str] | None, colours: int
    ) -> None:
        self.chance = Chance(f"{seed}:world")
        # For what only adds to an event: it takes no turn away from the choices that make the world what it is.
        self.asides = Chance(f"{seed}:asides")
        self.truth = Truth()
        self.catalogue = Catalogue(self.chance, colours)
        self.people = Population(self.chance, REMEMBERED_CUSTOMERS)
        self.stockroom = Stockroom(self.catalogue.products)
        self.staff: dict[Place, list[Employee]] = {}
        # Orders that came to a good end and may come back.
        self.closed: list[Order] = []
        self.start = start
        self.now = start
        # When the latest event was published.
        self.told_at = start
        self.logical_timestamp = 6_728_211
        self._numbers: dict[str, int] = {}
        self._left = events
        self._told: list[Told] = []
        self._courses: list[tuple[int, int, Course]] = []
        self._begun = 0
        self._names = _names_of(families)

    def begin(self, course: Course, moment: int) -> None:
        """Let a course of events begin at a moment that is not over yet."""
        self._begun += 1
        heappush(self._courses, (moment, self._begun, course))

    def tell(self, name: str, payload: Mapping[str, Any]) -> bool:
        """Publish an event, unless nobody wants it; says whether it was published and so has to be booked."""
        if self.now < self.start or name not in self._names:
            return False
        if self._left is not None:
            if self._left == 0:
                raise _AllTold
            self._left -= 1
        counts = self.truth.counts
        counts.events += 1
        counts.by_name[name] = counts.by_name.get(name, 0) + 1
        # Courses act at least 100 ms apart, so publishing never turns two events of one thing round.
        self.told_at = self.now + self.chance.between(5, 85)
        self._told.append((self.told_at, name, _encode(payload)))
        return True

    def next_number(self, of: str) -> int:
        """1, 2, 3, … for each kind of thing that is numbered."""
        number = self._numbers[of] = self._numbers.get(of, 0) + 1
        return number

    def next_logical_timestamp(self) -> int:
        """A number that only grows, as fulfilment events carry it."""
        self.logical_timestamp += self.chance.between(1, 9)
        return self.logical_timestamp

    def associate_of(self, place: Place) -> Employee | None:
        """Somebody who works there."""
        staff = self.staff.get(place)
        return self.chance.pick(staff) if staff else None

    def run(self, until: int | None) -> Iterator[list[Told]]:
        """What is told, step by step, up to that moment or until all events are told."""
        courses = self._courses
        try:
            while courses and (until is None or courses[0][0] < until):
                self.now, order, course = heappop(courses)
                again = next(course, None)
                if again is not None:
                    heappush(courses, (again, order, course))
                if self._told:
                    yield self._told
                    self._told = []
        except _AllTold:
            if self._told:
                yield self._told


class _AllTold(Exception):
    """As many events were told as were asked for."""


def _names_of(families: Collection[str] | None) -> frozenset[str]:
    events = load_contract().of_origin("newstore")
    if families is None:
        return frozenset(events)
    known = {event.family for event in events.values()}
    if unknown := set(families) - known:
        raise SettingsError(
            f"there is no family of events named {', '.join(sorted(unknown))}.", f"any of {', '.join(sorted(known))}"
        )
    return frozenset(name for name, event in events.items() if event.family in families)
