"""The figures on the terminal, as JSON, as Markdown between the marks of a document, and as a plot."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.figures import Table
from benchmarks.servers import BARE_ASGI, BARE_ROUTE, DUCKDB, OURS, POSTGRES, SQLITE

BEGIN = "<!-- make benchmark: begin -->"
END = "<!-- make benchmark: end -->"


class Report(msgspec.Struct, frozen=True):
    """All that one run measured, where and when."""

    machine: str
    load_generator: str
    rounds: int
    measured_at: datetime
    tables: tuple[Table, ...]


def show(report: Report) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(_origin(report), markup=False, highlight=False)
    for table in report.tables:
        shown = RichTable(
            "",
            "median (least-greatest)",
            "target",
            "reached",
            title=table.title,
            box=box.SIMPLE_HEAD,
            title_justify="left",
        )
        for row in table.rows:
            shown.add_row(*row.cells())
        console.print(shown)


def save(report: Report, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2))


def write_docs(report: Report, document: Path) -> None:
    """Put the tables where the document has its marks."""
    text = document.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"Error: {document} lacks the marks {BEGIN} and {END}.")
    document.write_text(f"{before}{BEGIN}\n{_markdown(report)}{END}{after}")


def plot(report: Report, path: Path) -> None:
    """Events a second over connections, a line for each receiver."""
    import matplotlib as mpl

    mpl.use("svg")
    # The same figures give the same file.
    mpl.rcParams["svg.hashsalt"] = "newstore-warehouse"
    import matplotlib.pyplot as plt

    rates = {row.name: row.figure for row in report.tables[0].rows}
    figure, axes = plt.subplots(figsize=(7, 4))
    for kind in (BARE_ASGI, BARE_ROUTE, OURS, POSTGRES, SQLITE, DUCKDB):
        points = sorted(
            (int(name.removeprefix(f"{kind}, ").removesuffix(" connections")), rate)
            for name, rate in rates.items()
            if name.startswith(f"{kind}, ")
        )
        if not points:
            continue
        medians = [rate.median for _, rate in points]
        spread = [[r.median - min(r.samples) for _, r in points], [max(r.samples) - r.median for _, r in points]]
        width, style = 2.5 if kind == OURS else 1.0, "--" if kind in (BARE_ASGI, BARE_ROUTE) else "-"
        axes.errorbar(
            [x for x, _ in points], medians, yerr=spread, marker="o", capsize=3, label=kind, lw=width, ls=style
        )
    axes.set(xlabel="connections", ylabel="events a second", xscale="log", title="One core; dashed: nothing is stored")
    axes.set_xticks([1, 16, 64, 256], ["1", "16", "64", "256"])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def _origin(report: Report) -> str:
    return (
        f"{report.machine}. {report.measured_at:%d %B %Y}, load from {report.load_generator}; "
        f"median of {report.rounds} interleaved rounds (least-greatest)."
    )


def _markdown(report: Report) -> str:
    lines = ["", _origin(report), "", "![Events a second over connections](images/receiver.svg)", ""]
    for table in report.tables:
        lines += [f"**{table.title}**", "", "| | median (least-greatest) | target | reached |", "|---|---|---|---|"]
        lines += ["| " + " | ".join(row.cells()) + " |" for row in table.rows]
        lines.append("")
    return "\n".join(lines) + "\n"


def report_of(machine: str, load_generator: str, rounds: int, tables: list[Table]) -> Report:
    return Report(machine, load_generator, rounds, datetime.now(UTC), tuple(tables))
