"""One measurement of refreshes in a process of its own, so that its memory is its own; prints one JSON object.

`full HOME` builds everything, `small HOME NEWS NUMBER TIMES` refreshes NUMBER new deliveries TIMES times in one
session, and as often nothing at all.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.homes import deliver, settings_of
from warehouse.build.compiled_project import load_plan
from warehouse.build.session import open_session
from warehouse.pipeline.refresh import refresh, refresh_in
from warehouse.system.lock import hold_lock


def main() -> None:
    verb, home, *rest = sys.argv[1:]
    settings = settings_of(Path(home))
    figures: dict[str, object] = {}
    if verb == "full":
        # The project is compiled once for each state of its files, not for each build.
        with open_session(settings):
            load_plan(settings)
        figures["seconds"] = timed(lambda: refresh(settings, full=True))
    else:
        news, number, times = Path(rest[0]), int(rest[1]), int(rest[2])
        with news.open("rb") as lines, hold_lock(settings.refresh_lock), open_session(settings) as session:
            figures["some"], figures["none"] = [], []
            for _ in range(times):
                deliver(settings, lines, number)
                figures["some"] += [timed(lambda: refresh_in(session, settings))]  # type: ignore[operator]
                figures["none"] += [timed(lambda: refresh_in(session, settings))]  # type: ignore[operator]
    # Linux says kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    figures["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(json.dumps(figures))


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
