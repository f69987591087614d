"""Something in a home that is not as it was written."""

import msgspec


class Defect(msgspec.Struct, frozen=True):
    """Something that is not as it was written: in which file, where in it, and what is wrong."""

    path: str
    place: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.place}: {self.problem}"
