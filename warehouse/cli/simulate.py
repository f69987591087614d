"""`warehouse simulate`: a believable NewStore, into a file or to a receiver; but for --now, always the same bytes."""

from datetime import UTC, datetime
from pathlib import Path

import click

from warehouse.api_keys import is_hashed
from warehouse.cli.options import load_settings
from warehouse.cli.progress import progress
from warehouse.errors import SettingsError

COUNT = click.IntRange(min=1)
RATE = click.FloatRange(min=0, min_open=True)
MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"])
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--events", type=COUNT, help="Distinct events to tell of.  [default: 1000, unless --days is given]")
@click.option("--days", type=COUNT, help="Days in which they happen.")
@click.option("--now", is_flag=True, help="Let them end at this moment, not begin in 2024; --events is about how many.")
@click.option("--end", type=MOMENT, metavar="TIME", help="Let them end at that moment, such as 2026-03-01T12:00:00Z.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another retailer.")
@click.option("--duplicates", type=float, default=0.05, show_default=True, help="Further deliveries for each event.")
@click.option(
    "--disorder", type=float, default=20.0, show_default=True, help="Mean seconds to a delivery; 0: in order."
)
@click.option("--late", type=float, default=0.01, show_default=True, help="Share of events hours to days late.")
@click.option("--bad", type=float, default=0.0, show_default=True, help="Share of deliveries that are no events.")
@click.option("--tenant", default="demo", show_default=True, help="NewStore's name of the retailer.")
@click.option("--families", metavar="A,B", help="Kinds of events to tell of, such as order,payment.  [default: all]")
@click.option("--truth", type=FILE, help="Write what the events add up to into this file, as JSON.")
@click.option("--out", type=FILE, help="Write the deliveries into this file, one a line.")
@click.option("--to", "url", metavar="URL", help="Post the deliveries to the receiver at this address.")
@click.option("--key", help="Key for --to.  [default: the first of $WAREHOUSE_API_KEYS]")
@click.option("--rate", type=RATE, help="Deliveries a second with --to.  [default: as fast as they are answered]")
@click.option("--connections", type=COUNT, default=16, show_default=True, help="Deliveries under way at once.")
@click.pass_context
def simulate(
    context: click.Context,
    *,
    events: int | None,
    days: int | None,
    now: bool,
    end: datetime | None,
    seed: int,
    duplicates: float,
    disorder: float,
    late: float,
    bad: float,
    tenant: str,
    families: str | None,
    truth: Path | None,
    out: Path | None,
    url: str | None,
    key: str | None,
    rate: float | None,
    connections: int,
) -> None:
    """Play a small retailer on NewStore: orders, payments, shipments, returns, stock, customers.

    Deliveries come as NewStore's do: at least once, in no order, some very late. Nobody in them exists. Either --out or
    --to says where they go.

    \b
    Examples:
      warehouse simulate --events 10000 --seed 7 --out week.ndjson --truth week.json
      warehouse simulate --days 2 --bad 0.01 --to http://127.0.0.1:8080 --rate 50
      warehouse simulate --now --days 30 --out month.ndjson
    """
    if (out is None) == (url is None):
        raise click.UsageError("name either --out FILE or --to URL.", context)
    if now and end is not None:
        raise click.UsageError("--now and --end both say when it ends.", context)
    if rate is not None and url is None:
        raise click.UsageError("--rate says how fast to post and needs --to URL.", context)
    if url is not None and key is None:
        key = _own_key(context)
    from warehouse.simulator import simulate as simulate_newstore
    from warehouse.simulator import write_ndjson

    simulation = simulate_newstore(
        events=1000 if events is None and days is None else events,
        days=days,
        end=datetime.now(UTC) if now else end,
        seed=seed,
        duplicates=duplicates,
        disorder=disorder,
        late=late,
        bad=bad,
        tenant=tenant,
        families=None if families is None else [family.strip() for family in families.split(",")],
    )
    with progress("simulating" if out is not None else "NewStore is posting") as bar:
        report = bar.towards(simulation.expected_deliveries)
        if out is not None:
            count = write_ndjson(simulation, out, progress=report)
        else:
            from warehouse.trial.client import post

            assert url is not None
            assert key is not None
            count = post(url, key, simulation, connections, report, rate).delivered
    told = simulation.truth.counts
    if truth is not None:
        simulation.truth.write_truth(truth)
    click.echo(f"{count:,} deliveries of {told.events:,} events to {out or url}")


def _own_key(context: click.Context) -> str:
    for key in load_settings(context).api_keys:
        if not is_hashed(key):
            return key
    raise SettingsError("there is no key to post with.", "--key, or WAREHOUSE_API_KEYS with the key itself")
