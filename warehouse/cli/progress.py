"""What a person sees of work that takes a while: on stderr, on a terminal only, and only once it has taken a while."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE_SECONDS: Final = 1.0


@contextmanager
def progress(description: str) -> Iterator["Bar"]:
    """Show a bar from the second second of the block to its end; the block may report to it how far it is."""
    bar = Bar(description)
    timer = threading.Timer(PATIENCE_SECONDS, bar.show)
    timer.daemon = True
    if sys.stderr.isatty():
        timer.start()
    try:
        yield bar
    finally:
        timer.cancel()
        bar.hide()


class Bar:
    """A bar that remembers what was reported before it was shown."""

    def __init__(self, description: str) -> None:
        self.description = description
        self.state: tuple[int, int | None] = (0, None)
        self.shown: Progress | None = None
        self.over = False
        self.turn = threading.Lock()

    def report(self, done: int, total: int | None) -> None:
        """Say how much is done, and of how much where that is known."""
        with self.turn:
            self.state = (done, total)
            if self.shown is not None:
                self.shown.update(self.shown.task_ids[0], completed=done, total=total, count=_count(done, total))

    def towards(self, expected: int | None) -> Callable[[int, int | None], None]:
        """A report for work that does not know its end itself, but of which about so much is expected."""

        def report(done: int, _: int | None) -> None:
            self.report(done if expected is None else min(done, expected), expected)

        return report

    def show(self) -> None:
        """Appear, unless it is over already."""
        # Rich takes a tenth of a second to import; quick commands never get here.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

        text, count = TextColumn("{task.description}"), TextColumn("{task.fields[count]}")
        columns = (SpinnerColumn(), text, BarColumn(), TaskProgressColumn(), count)
        with self.turn:
            if self.over:
                return
            bar = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
            done, total = self.state
            bar.add_task(self.description, completed=done, total=total, count=_count(done, total))
            bar.start()
            self.shown = bar

    def hide(self) -> None:
        """Disappear for good."""
        with self.turn:
            self.over = True
            if self.shown is not None:
                self.shown.stop()


def _count(done: int, total: int | None) -> str:
    """How many are done, where a share cannot be told."""
    return f"{done:,}" if total is None and done else ""
