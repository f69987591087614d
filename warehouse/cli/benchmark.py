"""`warehouse benchmark`: what this machine and its disk can take, beside what NewStore may send."""

import click
import msgspec

from warehouse.cli.options import home_option, load_settings


@click.command()
@click.option(
    "--orders-per-day",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="The size of your retailer, on its busiest day.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, 60),
    default=4.0,
    show_default=True,
    help="How long each of the loads lasts.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object; times in seconds.")
@home_option
@click.pass_context
def benchmark(context: click.Context, orders_per_day: int, seconds: float, as_json: bool) -> None:
    """Measure how many events a second this machine can acknowledge, each on its disk before the answer.

    Runs the real receiver on a new home inside the home, so on the same disk, for about a quarter of a minute, and
    deletes it. The load is made on this machine too; what NewStore sends leaves more of it to the receiver.

    \b
    Examples:
      warehouse benchmark
      warehouse --home /srv/newstore benchmark --orders-per-day 50000
    """
    settings = load_settings(context)
    from warehouse.trial.capacity import (
        BUSIEST_HOUR,
        BUSIEST_MINUTE,
        BUSY_CONNECTIONS,
        EVENTS_AN_ORDER,
        measure_capacity,
    )

    def say(what: str) -> None:
        click.echo(f"{what} ...", err=True)

    found = measure_capacity(settings, orders_per_day, seconds, say)
    if as_json:
        rates = {"events_per_second": found.at_once.rate, "peak_events_per_second": found.peak, "margin": found.margin}
        click.echo(msgspec.json.encode({**rates, "measured": found}))
        return
    disk, lone, busy = found.disk, found.one_by_one, found.at_once
    click.echo(f"disk        one fdatasync takes {_ms(disk.p50)} (p50), {_ms(disk.p99)} (p99)")
    click.echo(f"one by one  {lone.rate:,.0f} events/s, answered in {_ms(lone.p50)} (p50), {_ms(lone.p99)} (p99)")
    click.echo(
        f"at once     {busy.rate:,.0f} events/s over {BUSY_CONNECTIONS} connections, "
        f"answered in {_ms(busy.p50)} (p50), {_ms(busy.p99)} (p99)"
    )
    if lone.failed or busy.failed:
        click.echo(f"refused     {lone.failed + busy.failed:,} events")
    click.echo(
        f"\nYour disk and processor allow about {_about(busy.rate)} durable events/s; NewStore's peak for a retailer "
        f"with {orders_per_day:,} orders a day is about {_about(found.peak)}/s, {_about(found.margin)} times less."
    )
    click.echo(
        f"The peak assumes {EVENTS_AN_ORDER} events an order, {BUSIEST_HOUR:.1%} of a day's orders in its busiest "
        f"hour, and {BUSIEST_MINUTE:g} times that hour's mean in its busiest minute."
    )
    if found.margin < 1:
        click.echo("That is not enough: choose a disk with a quicker fdatasync, or `warehouse serve --workers 2`.")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.2f} ms"


def _about(number: float) -> str:
    """With two digits that count: 17,612 is 18,000."""
    return f"{float(f'{number:.2g}'):,.10g}"
