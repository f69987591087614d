"""`make benchmark`: every comparison in one run, on the disk that `--folder` is on.

Exits with 0 whether or not the targets are reached: on a busy machine figures say little.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import receiver, receiver_anatomy, receiver_slow_disk, receiver_workers, sealing
from benchmarks.figures import Table
from benchmarks.machine import ROOT, describe
from benchmarks.plan import full, quick
from benchmarks.report import plot, report_of, save, show, write_docs
from benchmarks.servers import load_generator

COMPARISONS = {
    "receiver": receiver.measure,
    "slow-disk": receiver_slow_disk.measure,
    "workers": receiver_workers.measure,
    "sealing": sealing.measure,
    "anatomy": receiver_anatomy.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make benchmark", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute, to see that everything runs")
    parser.add_argument("--only", choices=COMPARISONS, action="append", help="leave out the others")
    parser.add_argument("--rounds", type=int, help="instead of 5")
    parser.add_argument("--folder", type=Path, default=ROOT / "build", help="on the disk to measure (default: build)")
    parser.add_argument("--write-docs", action="store_true", help="put tables and plot into docs/performance.md")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    tables: list[Table] = []
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=arguments.folder) as name:
        # PostgreSQL runs as another user when root starts this.
        Path(name).chmod(0o711)
        plan = quick(Path(name)) if arguments.quick else full(Path(name))
        if arguments.rounds:
            plan = type(plan)(plan.folder, arguments.rounds, plan.seconds, plan.connections, plan.events)
        for comparison in arguments.only or COMPARISONS:
            tables += COMPARISONS[comparison](plan, lambda what: print(f"{what} ...", file=sys.stderr, flush=True))
    report = report_of(describe(), load_generator(plan.seconds), plan.rounds, tables)
    show(report)
    save(report, arguments.folder / "benchmark.json")
    if not arguments.only or "receiver" in arguments.only:
        plot(report, arguments.folder / "benchmark.svg")
    print(f"{arguments.folder}/benchmark.json holds every sample.")
    if arguments.write_docs:
        if arguments.only:
            sys.exit("Error: the document shows all comparisons, not some.")
        write_docs(report, ROOT / "docs" / "performance.md")
        plot(report, ROOT / "docs" / "images" / "receiver.svg")


if __name__ == "__main__":
    main()
