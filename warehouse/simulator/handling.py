"""What each location had to fulfil and did, by day: requests by their steps, units as they left or were turned down."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import Final

import msgspec

from warehouse.simulator import clock
from warehouse.simulator.clock import DAY, HOUR
from warehouse.simulator.reference import Reference

NINE_OF_TEN: Final = 0.9
HALF: Final = 0.5


class RequestTruth(msgspec.Struct, gc=False):
    """A request to a place, by the events that were told; moments in ms, units by their number."""

    order_id: str
    location_id: str
    service_level: str
    known: int = 0
    assigned_at: int | None = None
    ready_at: int | None = None
    completed: tuple[tuple[int, int], ...] = ()
    failed: tuple[tuple[int, int, str], ...] = ()

    @property
    def completed_units(self) -> int:
        """Units that left."""
        return sum(units for _, units in self.completed)

    @property
    def is_open(self) -> bool:
        """Whether units wait."""
        return self.completed_units + self.failed_units < self.known.bit_count()

    @property
    def failed_units(self) -> int:
        """Units that the place turned down."""
        return sum(units for _, units, _ in self.failed)

    @property
    def moments(self) -> list[int]:
        """When anything happened, in order."""
        single = [moment for moment in (self.assigned_at, self.ready_at) if moment is not None]
        return sorted([*single, *(moment for moment, _ in self.completed), *(moment for moment, *_ in self.failed)])


class _Day(msgspec.Struct):
    assigned: int = 0
    completed: int = 0
    failed: int = 0
    units: int = 0
    open_at_close: int = 0
    oldest_open_hours: float | None = None
    rejected_by_reason: dict[str, int] = {}
    to_ready: list[float] = []
    to_complete: list[float] = []


def fulfillment_rows(requests: Iterable[RequestTruth], reference: Reference) -> Iterator[dict[str, object]]:
    """A row for each location and day on which any step of a request happened there."""
    by_location: dict[str, list[RequestTruth]] = {}
    for request in requests:
        by_location.setdefault(request.location_id, []).append(request)
    for location_id, own in sorted(by_location.items()):
        days = _days(own, location_id, reference)
        _see_what_is_open(days, own, location_id, reference)
        for day, page in sorted(days.items()):
            yield {
                "date": clock.date_text(day * DAY),
                "location_id": location_id,
                **{name: getattr(page, name) for name in ("assigned", "completed", "failed", "units", "open_at_close")},
                "oldest_open_hours": page.oldest_open_hours,
                "rejected_by_reason": dict(sorted(page.rejected_by_reason.items())),
                "hours_to_ready_p50": _quantile(page.to_ready, HALF),
                "hours_to_ready_p90": _quantile(page.to_ready, NINE_OF_TEN),
                "hours_to_complete_p50": _quantile(page.to_complete, HALF),
                "hours_to_complete_p90": _quantile(page.to_complete, NINE_OF_TEN),
            }


def _days(requests: Iterable[RequestTruth], location_id: str, reference: Reference) -> dict[int, _Day]:
    days: dict[int, _Day] = {}

    def page(moment: int) -> _Day:
        return days.setdefault(reference.local_time(moment, location_id).day, _Day())

    for request in requests:
        began = request.assigned_at
        if began is not None:
            page(began).assigned += 1
        if request.ready_at is not None:
            packed = page(request.ready_at)
            if began is not None:
                packed.to_ready.append((request.ready_at - began) / HOUR)
        for moment, units in request.completed:
            page(moment).units += units
        for moment, units, reason in request.failed:
            rejected = page(moment).rejected_by_reason
            rejected[reason] = rejected.get(reason, 0) + units
        if not request.is_open:
            _close(page(request.moments[-1]), request)
    return days


def _close(day: _Day, request: RequestTruth) -> None:
    if not request.completed:
        day.failed += 1
        return
    day.completed += 1
    if request.assigned_at is not None:
        last = max(moment for moment, _ in request.completed)
        day.to_complete.append((last - request.assigned_at) / HOUR)


def _see_what_is_open(
    days: dict[int, _Day], requests: Iterable[RequestTruth], location_id: str, reference: Reference
) -> None:
    """Go through the days with the requests that began by then, the oldest of them first."""
    spans = []
    for request in requests:
        moments = request.moments
        closed = None if request.is_open else reference.local_time(moments[-1], location_id).day
        spans.append((moments[0], reference.local_time(moments[0], location_id).day, closed))
    begun = sorted(day for _, day, _ in spans)
    closings = sorted(day for *_, day in spans if day is not None)
    spans.sort(key=lambda span: span[0], reverse=True)
    waiting: list[tuple[int, int | None]] = []
    for day, page in sorted(days.items()):
        while spans and spans[-1][1] <= day:
            moment, _, closed = spans.pop()
            heappush(waiting, (moment, closed))
        while waiting and waiting[0][1] is not None and waiting[0][1] <= day:
            heappop(waiting)
        page.open_at_close = bisect_right(begun, day) - bisect_right(closings, day)
        if waiting:
            page.oldest_open_hours = (reference.midnight(day + 1, location_id) - waiting[0][0]) / HOUR


def _quantile(values: list[float], share: float) -> float | None:
    """The value below which that share of them is, in proportion between two."""
    if not values:
        return None
    values = sorted(values)
    below, rest = divmod(share * (len(values) - 1), 1)
    low = values[int(below)]
    return low + (values[min(int(below) + 1, len(values) - 1)] - low) * rest
