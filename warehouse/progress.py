"""How long work tells whoever watches it how far it is."""

from collections.abc import Callable

# Called with what is done and how much there is in all, in the unit that the work names; None where nobody knows yet.
Progress = Callable[[int, int | None], None]
