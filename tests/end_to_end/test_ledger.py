"""The marts equal the simulated retailer's own books, which share no code with them: no row more, none less.

`make test-ledger` does the same with more and larger retailers, and brings them in by several refreshes.
"""

import json
import os
import random
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import pytest

import warehouse
from tests.live import ROOT
from warehouse.delivery.envelope import decode
from warehouse.simulator import Simulation, simulate, write_ndjson

EVENTS: Final = 20_000
SEED: Final = 7
# Beside that one, so many retailers with this many events each, and so many that are cut short.
OTHERS: Final = int(os.environ.get("LEDGER_RETAILERS", "1"))
EVENTS_OF_OTHERS: Final = int(os.environ.get("LEDGER_EVENTS", "2000"))
CUT_SHORT: Final = 12
REFRESHES: Final = int(os.environ.get("LEDGER_REFRESHES", "1"))

# The first test also pays for all that is told and refreshed.
pytestmark = pytest.mark.timeout(900 * REFRESHES)

MILLISECOND: Final = timedelta(milliseconds=1)

Book = dict[tuple[Any, ...], dict[str, Any]]


class Mart(NamedTuple):
    """A mart, the columns that name its rows, and those that the ledger knows; `sums` are decimal amounts."""

    name: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    sums: tuple[str, ...] = ()
    query: str = ""


MARTS: Final = {
    "orders": Mart(
        "fct_orders",
        ("order_id",),
        (
            *("external_id", "customer_id", "status", "has_header", "currency"),
            *("item_count", "cancelled_item_count", "fulfilled_item_count", "returned_item_count"),
        ),
        ("grand_total", "net_amount"),
        """
        select orders.*, items.net_amount
        from marts.fct_orders as orders
        left join (
            select tenant, order_id, sum(net_amount) as net_amount
            from marts.fct_order_items
            where swapped_to_item_id is null
            group by all
        ) as items using (tenant, order_id)
        """,
    ),
    "payment_accounts": Mart(
        "fct_payment_accounts", ("order_id", "currency"), (), ("authorized", "captured", "refunded", "voided")
    ),
    "returns": Mart(
        "fct_returns",
        ("return_id",),
        ("order_id", "is_blind", "return_location_id", "currency", "item_count", "is_historical"),
        ("total_refund_amount", "total_refund_amount_adjusted", "total_refund_excl_tax", "total_refund_tax"),
        "select * replace (is_historical is true as is_historical) from marts.fct_returns",
    ),
    "refund_requests": Mart(
        "fct_refund_requests",
        ("refund_request_id",),
        ("order_id", "currency", "return_reason", "associate_id"),
        ("amount",),
    ),
    "payment_reasons": Mart(
        "fct_payment_transactions",
        ("order_id", "currency", "transaction_type", "reason"),
        (),
        ("amount",),
        """
        select tenant, order_id, currency, transaction_type, reason, sum(amount) as amount
        from marts.fct_payment_transactions
        where reason is not null
        group by all
        """,
    ),
    "inventory_counts": Mart(
        "fct_inventory_counts",
        ("count_id",),
        ("location_id", "chunks_seen", "total_chunks", "lines", "is_complete"),
        (),
        """
        select tenant, count_id, location_id, chunks_seen, total_chunks, is_complete, count(*) as lines
        from marts.fct_inventory_counts
        group by all
        """,
    ),
    "stock": Mart("fct_inventory_on_hand", ("location_id", "product_id"), ("on_hand",)),
    "transfers": Mart(
        "fct_transfers",
        ("transfer_id",),
        ("origin_location_id", "destination_location_id", "shipped_quantity", "received_quantity"),
    ),
    "daily_sales": Mart(
        "daily_sales",
        ("date", "channel_type", "channel", "currency"),
        ("orders", "units", "returns", "returned_units", "cancelled_units"),
        ("net_sales", "tax", "shipping", "refunds"),
        "select * replace (date::varchar as date) from marts.daily_sales",
    ),
    "customers": Mart(
        "dim_customers", ("customer_id",), ("revision", "is_complete", "email", "order_count", "return_count")
    ),
    "addresses": Mart("dim_customer_addresses", ("address_id",), ("customer_id", "is_deleted")),
    "employees": Mart("dim_employees", ("employee_id",), ("is_active", "phone")),
}


def ledger_page(truth: dict[str, Any], section: str) -> Book:
    """A section of a ledger's JSON, by key."""
    mart, pages = MARTS[section], truth[section]
    rows = pages if isinstance(pages, list) else [{mart.key[0]: key, **page} for key, page in pages.items()]
    return _by_key(mart, rows)


def mart_page(con: duckdb.DuckDBPyConnection, section: str, tenant: str) -> Book:
    """The same of a tenant's mart."""
    mart = MARTS[section]
    query = mart.query or f"select * from marts.{mart.name}"
    columns = ", ".join((*mart.key, *mart.values, *mart.sums))
    found = con.execute(f"select {columns} from ({query}) where tenant = ?", [tenant])
    names = [column[0] for column in found.description or ()]
    return _by_key(mart, [dict(zip(names, row, strict=True)) for row in found.fetchall()])


def _by_key(mart: Mart, rows: list[dict[str, Any]]) -> Book:
    book = {}
    for row in rows:
        sums = {name: None if row[name] is None else Decimal(row[name]) for name in mart.sums}
        book[tuple(row[name] for name in mart.key)] = {**row, **sums}
    assert len(book) == len(rows), f"{mart.name}: a key stands twice"
    return book


def differences(con: duckdb.DuckDBPyConnection, ledger: dict[str, Any], tenant: str) -> list[str]:
    """What the ledger and the marts say differently of a tenant, each difference in a line."""
    found = []
    for section, mart in MARTS.items():
        found += differences_of(mart, ledger_page(ledger, section), mart_page(con, section, tenant))
    return found


def differences_of(mart: Mart, ledger: Book, facts: Book) -> list[str]:
    """What two books say differently, in both directions."""
    found = [f"{mart.name} {key!r}: only in the ledger: {ledger[key]}" for key in ledger.keys() - facts.keys()]
    found += [f"{mart.name} {key!r}: only in the mart: {facts[key]}" for key in facts.keys() - ledger.keys()]
    for key in ledger.keys() & facts.keys():
        found += [
            f"{mart.name} {key!r}: {name} is {facts[key][name]!r}, in the ledger {ledger[key][name]!r}"
            for name in (*mart.values, *mart.sums)
            if facts[key][name] != ledger[key][name]
        ]
    return found


class Told(NamedTuple):
    """A home with the marts of several retailers, and their ledgers by tenant."""

    home: Path
    ledgers: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Everything the retailers told, replayed and refreshed by the commands README names."""
    folder = tmp_path_factory.mktemp("ledger")
    home = folder / "home"
    files = ("--truth", folder / "demo.json", "--out", folder / "demo.ndjson")
    command(home, "simulate", "--events", EVENTS, "--seed", SEED, *files)
    ledgers = {"demo": json.loads((folder / "demo.json").read_bytes())}
    for tenant, simulation in others():
        write_ndjson(simulation, folder / f"{tenant}.ndjson")
        ledgers[tenant] = json.loads(simulation.truth.to_json())
    for number, path in enumerate(parts(folder, list(ledgers), REFRESHES)):
        command(home, "replay", path)
        command(home, "refresh")
        print(f"refreshed {number + 1} of {REFRESHES}", flush=True)  # noqa: T201 - the long run says where it is
    return Told(home, ledgers)


def others() -> Iterator[tuple[str, Simulation]]:
    """Retailers that are never the same: some at length, and many that are cut off in the middle of something."""
    seed = random.randrange(2**31)
    print(f"seed of the others: {seed}")  # noqa: T201 - a failure must be repeatable
    chance = random.Random(seed)
    for events in [EVENTS_OF_OTHERS] * OTHERS + [chance.randrange(20, 700) for _ in range(CUT_SHORT)]:
        own_seed = chance.randrange(2**31)
        tenant = f"{events}-events-of-{own_seed}"
        yield (
            tenant,
            simulate(
                events=events,
                seed=own_seed,
                tenant=tenant,
                duplicates=chance.choice((0.0, 0.2, 1.0)),
                disorder=chance.choice((0.0, 20.0, 3600.0)),
                late=chance.choice((0.0, 0.1, 0.5)),
                bad=chance.choice((0.0, 0.02)),
            ),
        )


def parts(folder: Path, tenants: list[str], count: int) -> Iterator[Path]:
    """The deliveries of all tenants in so many files; each holds a part of every tenant's."""
    lines = [(folder / f"{tenant}.ndjson").read_bytes().splitlines(keepends=True) for tenant in tenants]
    for part in range(count):
        path = folder / f"part-{part}.ndjson"
        slices = (own[len(own) * part // count : len(own) * (part + 1) // count] for own in lines)
        path.write_bytes(b"".join(chain.from_iterable(slices)))
        yield path


def command(home: Path, *arguments: object) -> str:
    """What `warehouse` prints; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "warehouse", *map(str, arguments)],
        env={**os.environ, "WAREHOUSE_HOME": str(home)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_marts_equal_the_ledger_of_every_retailer(told: Told) -> None:
    with warehouse.connect(told.home) as con:
        tenants = {str(tenant) for (tenant,) in con.execute("select distinct tenant from marts.fct_orders").fetchall()}
        # Of so few events none may be of an order.
        assert tenants <= told.ledgers.keys()
        assert all(told.ledgers["demo"][section] for section in MARTS), "nothing would be compared"
        for tenant, ledger in told.ledgers.items():
            found = differences(con, ledger, tenant)
            assert not found, "\n".join([f"{tenant}: {len(found)} differences", *found[:40]])
            equal = ", ".join(f"{len(ledger[section]):,} {section}" for section in MARTS)
            print(f"{tenant}: equal in {equal}")  # noqa: T201 - the long run says what it compared


def test_a_ledger_that_says_otherwise_is_found_out(told: Told) -> None:
    """The comparison itself: it sees every column of every mart, and rows that are on one side only."""
    with warehouse.connect(told.home) as con:
        for section, mart in MARTS.items():
            book = ledger_page(told.ledgers["demo"], section)
            key, *_, lost = book
            wrong = {name: Decimal("0.01") if name in mart.sums else "wrong" for name in (*mart.values, *mart.sums)}
            book[key] = {**book[key], **wrong}
            book["nobody",] = book.pop(lost)
            found = differences_of(mart, book, mart_page(con, section, "demo"))
            assert sum("only in the mart" in each and repr(lost) in each for each in found) == 1
            assert sum("only in the ledger" in each and "nobody" in each for each in found) == 1
            assert len(found) == 2 + len(wrong), found


def test_deliveries_and_events_equal_the_ledger(told: Told) -> None:
    query = """
    select name, sum(events), sum(deliveries - quarantined), sum(duplicates)
    from trust.deliveries
    where tenant = ?
    group by name
    having sum(deliveries - quarantined) > 0
    """
    with warehouse.connect(told.home) as con:
        for tenant, ledger in told.ledgers.items():
            rows, counts = con.execute(query, [tenant]).fetchall(), ledger["counts"]
            assert {str(name): int(events) for name, events, _, _ in rows} == counts["by_name"]
            assert sum(int(deliveries) for _, _, deliveries, _ in rows) == counts["events"] + counts["duplicates"]
            assert sum(int(duplicates) for *_, duplicates in rows) == counts["duplicates"]
        bad = sum(sum(ledger["counts"]["bad"].values()) for ledger in told.ledgers.values())
        assert con.execute("select count(*) from trust.quarantined_events").fetchall() == [(bad,)]


def answer(con: duckdb.DuckDBPyConnection, title: str) -> list[dict[str, Any]]:
    """What README's query of that title says of the first retailer."""
    found = re.findall(rf"\*\*{title}\*\*.*?```sql\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(found) == 1, f"README.md has {len(found)} queries titled {title!r}"
    query = re.sub(r"(?<=from |join )marts\.\w+", r"(from \g<0> where tenant = 'demo')", found[0])
    relation = con.execute(query)
    names = [column[0] for column in relation.description or ()]
    return [dict(zip(names, row, strict=True)) for row in relation.fetchall()]


def told_events(told: Told, name: str) -> list[dict[str, Any]]:
    """The payloads of an event as they were told, each once."""
    payloads = {}
    for line in (told.home.parent / "demo.ndjson").read_bytes().splitlines():
        if f'"name":"{name}"'.encode() in line and decode(line, 0).problem is None:
            event = json.loads(line)
            payloads[json.dumps(event["payload"])] = event["payload"]
    return list(payloads.values())


def test_net_sales_by_channel_as_readme_asks(told: Told) -> None:
    expected: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for page in told.ledgers["demo"]["daily_sales"]:
        expected[page["channel_type"], page["channel"], page["currency"]] += Decimal(page["net_sales"])
    with warehouse.connect(told.home) as con:
        rows = answer(con, "Net sales by channel")
    assert {(row["channel_type"], row["channel"], row["currency"]): row["net_sales"] for row in rows} == expected
    assert len(rows) > 8


def test_open_authorisations_as_readme_asks(told: Told) -> None:
    ledger = told.ledgers["demo"]
    expected = set()
    for page in ledger["payment_accounts"]:
        still_open = Decimal(page["authorized"]) - Decimal(page["captured"]) - Decimal(page["voided"])
        if still_open > 0:
            order = ledger["orders"][page["order_id"]]
            expected.add((order["external_id"], order["status"], still_open, page["currency"]))
    with warehouse.connect(told.home) as con:
        rows = answer(con, "Open authorisations")
    columns = ("external_id", "status", "authorized_not_captured", "currency")
    assert expected
    assert {tuple(row[name] for name in columns) for row in rows} == expected
    assert len(rows) == len(expected)


def test_units_on_hand_by_store_as_readme_asks(told: Told) -> None:
    units: Counter[str] = Counter()
    sold_out: Counter[str] = Counter()
    for page in told.ledgers["demo"]["stock"]:
        units[page["location_id"]] += page["on_hand"]
        sold_out[page["location_id"]] += page["on_hand"] <= 0
    with warehouse.connect(told.home) as con:
        rows = answer(con, "Units on hand by store")
    assert {row["location_id"]: row["units"] for row in rows} == units
    assert {row["location_id"]: row["products_sold_out"] for row in rows} == sold_out


def test_return_rate_by_product_as_readme_asks(told: Told) -> None:
    handed_over = {
        item["id"]: item["product_id"]
        for name in ("order.completed", "order.shipped", "fulfillment_request.items_completed")
        for event in told_events(told, name)
        for item in event["items"]
        if item.get("status") != "cancelled"
    }
    returned = {item["id"] for event in told_events(told, "return.processed") for item in event["items"]}
    sold = Counter(handed_over.values())
    came_back = Counter(product for item, product in handed_over.items() if item in returned)
    with warehouse.connect(told.home) as con:
        rows = answer(con, "Return rate by product")
    assert {row["product_id"]: (row["sold"], row["returned"]) for row in rows} == {
        product: (count, came_back[product]) for product, count in sold.items()
    }
    assert all(abs(row["percent"] - 100 * row["returned"] / row["sold"]) < 0.051 for row in rows)
    assert rows[0]["percent"] > rows[-1]["percent"] == 0


def test_time_from_placed_to_handed_over_as_readme_asks(told: Told) -> None:
    # Of the first orders the creation was before the stream began; some completions say as much as it.
    completions = [event for event in told_events(told, "order.completed") if "placed_at" in event]
    headers = [*told_events(told, "order.created"), *told_events(told, "order.opened"), *completions]
    orders = {event["id"]: event for event in headers}
    turned_down = {event["order_id"] for event in told_events(told, "fulfillment_request.items_failed")}
    shipped: dict[str, list[datetime]] = {}
    for event in told_events(told, "fulfillment_request.items_completed"):
        times = [datetime.fromisoformat(item["shipped_at"]) for item in event["items"] if "shipped_at" in item]
        shipped.setdefault(event["order_id"], []).extend(times)
    slowest: dict[bool, timedelta] = {}
    count: Counter[bool] = Counter()
    for order_id, times in shipped.items():
        if times and (order := orders.get(order_id)) and order["channel_type"] == "web":
            # Intervals are in whole milliseconds.
            taken = (max(times) - datetime.fromisoformat(order["placed_at"])) // MILLISECOND * MILLISECOND
            kind = order_id in turned_down
            slowest[kind] = max(taken, slowest.get(kind, taken))
            count[kind] += 1
    with warehouse.connect(told.home) as con:
        rows = [row for row in answer(con, "Time from placed to handed over") if row["channel_type"] == "web"]
    assert {row["turned_down"]: row["orders"] for row in rows} == count
    assert {row["turned_down"]: row["all_within"] for row in rows} == slowest
    assert rows[0]["half_within"] < rows[1]["half_within"]
