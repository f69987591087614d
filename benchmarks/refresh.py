"""What a refresh costs: by what is new, by how much there was before, by how many went before, and beside dlt.

make benchmark-refresh                                    # 1 M and 5 M deliveries; keep an hour free
make benchmark-refresh ARGS="--events 20000,40000 --refreshes 5 --many 20 --dlt 500"
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.homes import CACHE, SPARE, copy, history, settings_of, size_of
from warehouse.journal.replay import replay
from warehouse.lake.connection import log_folder, open_lake
from warehouse.log.sealer import seal

NEW = 1_000
FEW = 20

Figures = dict[str, Any]


def main() -> None:
    options = _options()
    sizes = [int(size) for size in options.events.split(",")]
    figures: Figures = {"machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}", "sizes": {}}
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        for size in sizes:
            folder = history(size, options.cache, options.spare)
            figures["sizes"][size] = measure(folder, Path(work) / str(size), size, options)
        if options.many:
            folder, home = history(sizes[0], options.cache, options.spare), Path(work) / "many"
            copy(folder, home)
            child("full", home)
            news, times = folder / "news.ndjson", min(options.many, options.spare // FEW)
            figures["many"] = child("small", home, news, FEW, times)["some"]
        if options.dlt:
            figures["beside_dlt"] = beside_dlt(options.dlt, options.cache, options.spare, Path(work))
    print(table(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure(folder: Path, home: Path, events: int, options: argparse.Namespace) -> Figures:
    """The figures of one size of history."""
    settings = copy(folder, home)
    full = child("full", home)
    build_bytes = settings.build_path.stat().st_size
    small = child("small", home, folder / "news.ndjson", NEW, options.refreshes)
    with open_lake(settings, read_only=True) as lake:
        orders = lake.execute("select avg(strlen(body)) from log.events where name = 'order.created'").fetchall()[0][0]
    return {
        "events": events,
        "full": full,
        "small": small,
        "log_bytes": size_of(log_folder(settings_of(folder / "home"))) / events,
        "build_bytes": build_bytes / events,
        "order_bytes": orders,
    }


def child(verb: str, home: Path, *arguments: object) -> Figures:
    command = [sys.executable, "-m", "benchmarks.refresh_once", verb, str(home), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return dict(json.loads(done.stdout))


def beside_dlt(events: int, cache: Path, spare: int, work: Path) -> Figures:
    """The same deliveries by both ways to the same facts; both end with the same models over the same log."""
    from benchmarks.refresh_dlt import load_with_dlt

    source = history(events, cache, spare) / "old.ndjson"
    settings = settings_of(work / "ours")
    began = time.perf_counter()
    replay(settings, [source])
    seal(settings)
    ours = time.perf_counter() - began
    models = float(child("full", settings.home)["seconds"])
    dlt = load_with_dlt(source, work / "dlt")
    return {"events": events, "ours": ours + models, "dlt": dlt + models, "load_ours": ours, "load_dlt": dlt}


def table(figures: Figures) -> str:
    sizes = list(figures["sizes"].values())
    lines = [f"{figures['machine']}, {time.strftime('%Y-%m-%d')}", ""]
    rows = [
        ("full build, events/s", [f"{each['events'] / each['full']['seconds']:,.0f}" for each in sizes]),
        ("full build, s", [f"{each['full']['seconds']:.1f}" for each in sizes]),
        ("full build, peak memory MB", [f"{each['full']['memory'] / 1e6:,.0f}" for each in sizes]),
        (f"refresh of {NEW:,} new, s (median)", [f"{some(each):.2f}" for each in sizes]),
        ("refresh of nothing, s (median)", [f"{none(each):.3f}" for each in sizes]),
        ("refreshes, peak memory MB", [f"{each['small']['memory'] / 1e6:,.0f}" for each in sizes]),
        ("bytes an event in the log", [f"{each['log_bytes']:.0f}" for each in sizes]),
        ("bytes an event in build.duckdb", [f"{each['build_bytes']:.0f}" for each in sizes]),
        ("bytes of an order.created as sent", [f"{each['order_bytes']:.0f}" for each in sizes]),
    ]
    heads = "".join(f"{each['events']:>14,}" for each in sizes)
    lines.append(f"{'deliveries':<36}{heads}")
    lines += [f"{name:<36}{''.join(f'{value:>14}' for value in values)}" for name, values in rows]
    lines += ["", *ratios(figures, sizes)]
    return "\n".join(lines)


def ratios(figures: Figures, sizes: list[Figures]) -> list[str]:
    first, last = sizes[0], sizes[-1]
    per_event = [each["full"]["seconds"] / each["events"] for each in (first, last)]
    lines = [
        _ratio(f"refresh of {NEW:,} new, largest against smallest history", some(last) / some(first), 1.3),
        _ratio("refresh of nothing against that", none(last) / some(last), 1 / 3),
        _ratio("full build, time per event, largest against smallest", per_event[1] / per_event[0], 1.3),
    ]
    if many := figures.get("many"):
        edge = min(10, len(many) // 2)
        ends = statistics.median(many[-edge:]) / statistics.median(many[:edge])
        lines.append(_ratio(f"{len(many)} refreshes in a row, last {edge} against first {edge}", ends, 1.5))
    if beside := figures.get("beside_dlt"):
        times = beside["dlt"] / beside["ours"]
        lines.append(
            f"{beside['events']:,} events through dlt and the models: {times:.1f} times our time (to reach: 30)"
        )
    return lines


def some(each: Figures) -> float:
    return float(statistics.median(each["small"]["some"]))


def none(each: Figures) -> float:
    return float(statistics.median(each["small"]["none"]))


def _ratio(name: str, ratio: float, limit: float) -> str:
    return f"{name}: {ratio:.2f} (at most {limit:.2f})"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", default="1000000,5000000", help="sizes of history, separated by commas")
    parser.add_argument("--refreshes", type=int, default=15, help="measured refreshes for each size")
    parser.add_argument("--many", type=int, default=500, help="small refreshes in a row; 0 leaves them out")
    parser.add_argument("--dlt", type=int, default=100_000, help="events to load beside dlt; 0 leaves it out")
    parser.add_argument("--spare", type=int, default=SPARE, help="deliveries beside each history, for the refreshes")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"where homes are kept  [default: {CACHE}]")
    parser.add_argument("--work", type=Path, default=None, help="where homes are worked on")
    parser.add_argument("--json", type=Path, default=None, help="also write the figures here")
    return parser.parse_args()


if __name__ == "__main__":
    main()
