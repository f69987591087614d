"""Sets of positions, kept as the spans they make: a journal's deliveries are a few of them, however many there are."""

from collections.abc import Iterable, Iterator

Span = tuple[int, int]


class Spans:
    """A set of whole numbers; each span is its first and its last, both inclusive, in order and never touching."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._spans: list[Span] = []
        if numbers:
            self.add(numbers)

    @classmethod
    def of(cls, spans: Iterable[Span]) -> "Spans":
        """The set that these spans make together."""
        made = cls()
        made._take(sorted(spans))
        return made

    def __iter__(self) -> Iterator[Span]:
        return iter(self._spans)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self._spans)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spans) and self._spans == other._spans

    def __hash__(self) -> int:
        return hash(tuple(self._spans))

    @property
    def last(self) -> int:
        """The greatest number; -1 when there is none."""
        return self._spans[-1][1] if self._spans else -1

    def add(self, numbers: Iterable[int]) -> list[Span]:
        """Take the numbers in; those that were in the set, or are given twice, come back as spans."""
        runs: list[Span] = []
        doubled: list[int] = []
        for number in sorted(numbers):
            if runs and number == runs[-1][1]:
                doubled.append(number)
            elif runs and number == runs[-1][1] + 1:
                runs[-1] = (runs[-1][0], number)
            else:
                runs.append((number, number))
        return [*((number, number) for number in doubled), *self._take(runs)]

    def merge(self, other: "Spans") -> list[Span]:
        """Take another set in; what was in both comes back."""
        return self._take(list(other))

    def minus(self, other: "Spans") -> "Spans":
        """What is in this set and not in the other."""
        left: list[Span] = []
        theirs = list(other)
        at = 0
        for first, last in self._spans:
            start = first
            while at < len(theirs) and theirs[at][1] < start:
                at += 1
            looking = at
            while looking < len(theirs) and theirs[looking][0] <= last:
                if theirs[looking][0] > start:
                    left.append((start, theirs[looking][0] - 1))
                start = theirs[looking][1] + 1
                looking += 1
            if start <= last:
                left.append((start, last))
        return _of(left)

    def until(self, number: int) -> "Spans":
        """The part of this set that is not greater than `number`."""
        return _of([(first, min(last, number)) for first, last in self._spans if first <= number])

    def gaps(self, count: int = 0) -> list[Span]:
        """What is missing between 0 and the greatest number, or up to `count` numbers where that is more."""
        last = max(self.last, count - 1)
        return list(_of([(0, last)] if last >= 0 else []).minus(self))

    def _take(self, runs: list[Span]) -> list[Span]:
        both = _common(self, _of(runs))
        joined: list[Span] = []
        for first, last in sorted([*self._spans, *runs]):
            if joined and first <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(joined[-1][1], last))
            else:
                joined.append((first, last))
        self._spans = joined
        return both


def _of(spans: list[Span]) -> Spans:
    made = Spans()
    made._spans = spans  # noqa: SLF001 - of its own kind
    return made


def _common(one: Spans, other: Spans) -> list[Span]:
    return list(one.minus(one.minus(other)))
