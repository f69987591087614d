"""All that is left to chance. One seed gives one sequence of choices, on every machine and in every version of this."""

import random
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T")


class Chance(random.Random):
    """A seeded source of choices; two with the same seed make the same choices."""

    def below(self, bound: int) -> int:
        """A whole number from 0 up to, not including, `bound`."""
        return int(self.random() * bound)

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def happens(self, share: float) -> bool:
        """True in this share (0 to 1) of all cases."""
        return self.random() < share

    def pick(self, things: Sequence[T]) -> T:
        """One of them, each as likely as the others."""
        return things[int(self.random() * len(things))]

    def uuid(self) -> str:
        """A random UUID of version 4."""
        text = f"{self.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def hexadecimal(self, digits: int) -> str:
        """So many hexadecimal digits."""
        return f"{self.getrandbits(4 * digits):0{digits}x}"

    def count_around(self, mean: float) -> int:
        """A count that is `mean` on average: the square root of it up or down is usual."""
        return max(0, round(self.gauss(mean, mean**0.5)))


class Weighted:
    """Numbers 0, 1, 2, … to be picked each with its weight."""

    def __init__(self, weights: Sequence[float]) -> None:
        self._cumulated = list(accumulate(weights))
        self._numbers = range(len(self._cumulated))

    def pick(self, chance: Chance) -> int:
        """One of the numbers."""
        return chance.choices(self._numbers, cum_weights=self._cumulated)[0]
