"""Spans say the same as plain sets of numbers do."""

import random
import sys

from warehouse.log.position_set import Spans


def as_set(spans: Spans) -> set[int]:
    return {number for first, last in spans for number in range(first, last + 1)}


def test_they_are_sets() -> None:
    seed = random.randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")
    chance = random.Random(seed)
    for _ in range(300):
        one, other = ({chance.randrange(40) for _ in range(chance.randrange(30))} for _ in range(2))
        left, right = Spans(one), Spans(other)
        assert as_set(left) == one
        assert len(left) == len(one)
        assert as_set(left.minus(right)) == one - other
        assert as_set(left.until(20)) == {number for number in one if number <= 20}
        assert left.last == max(one, default=-1)
        missing = set(range(left.last + 1)) - one
        assert {n for first, last in left.gaps() for n in range(first, last + 1)} == missing
        both = left.merge(right)
        assert {n for first, last in both for n in range(first, last + 1)} == one & other
        assert left == Spans(one | other)


def test_numbers_that_come_twice_are_told() -> None:
    spans = Spans([1, 2, 5])
    assert spans.add([2, 3, 3]) == [(3, 3), (2, 2)]
    assert list(spans) == [(1, 3), (5, 5)]
