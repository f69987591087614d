"""A home with one person whose every value is unlike any other, and a search for those values in all of its bytes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pyarrow.parquet as pq

from warehouse import refresh, replay, simulate
from warehouse.lake.connection import open_lake
from warehouse.settings import Settings

CUSTOMER = "c0ffee00-aaaa-4bbb-8ccc-zzquintessa01"
ADDRESS = "add7e550-aaaa-4bbb-8ccc-zzquintessa02"
EMAIL = "Zzquintessa.Übermut@Zzmail-Example.com"
PHONE = "+49 151 99887766"
# Each of these stands in no other delivery, in whatever letters.
MARKS = ("zzquintessa", "zzübermut", "zzmail-example", "zzgasse", "99887766", "zzhausen", "zz98765", "zzlies", "zznick")
ORDER = "0e0e0e0e-1111-4222-8333-444444444401"
GUEST_ORDER = "0e0e0e0e-1111-4222-8333-444444444402"
OTHER_ORDER = "0e0e0e0e-1111-4222-8333-444444444403"
POSTAL = {
    "first_name": "Zzquintessa",
    "last_name": "ZzÜbermut",
    "address_line_1": "Zzgasse 1",
    "zip_code": "ZZ98765",
    "city": "Zzhausen",
    "state": "BY",
    "phone": PHONE,
}


def envelope(name: str, payload: dict[str, Any], *, ascii_only: bool = False, day: int = 1) -> bytes:
    whole = {"tenant": "acme", "name": name, "published_at": f"2026-10-{day:02}T10:00:00.000Z", "payload": payload}
    return json.dumps(whole, ensure_ascii=ascii_only).encode()


def order(identity: str, **more: Any) -> dict[str, Any]:
    item = {"id": f"{identity[:-2]}99", "product_id": "p-1", "list_price": 58.1, "tax": 4.94, "quantity": 1}
    return {
        "id": identity,
        "external_id": f"E{identity[-2:]}",
        "placed_at": "2026-10-01T09:00:00Z",
        "currency": "EUR",
        "grand_total": 58.10,
        "items": [item],
        **more,
    }


def deliveries() -> list[bytes]:
    """The person, told in all the ways there are."""
    customer = {"id": CUSTOMER, "email": EMAIL, "first_name": "Zzquintessa", "last_name": "ZzÜbermut", "phone": PHONE}
    edit = customer | {"revision": "2", "nickname": "ZzNick", "extended_attributes": [{"name": "x", "value": "ZzNick"}]}
    address = {"id": ADDRESS, "customer_id": CUSTOMER, "type": "shipping", "country_code": "DE", **POSTAL}
    wrapping = {"price": 5, "message": "Zzlies dies, Zzquintessa"}
    mine = order(ORDER, customer_id=CUSTOMER, customer_email=EMAIL.upper(), shipping_address=POSTAL | {"country": "DE"})
    mine |= {"gift_wrapping": wrapping, "extended_attributes": [{"name": "call", "value": f"ring {PHONE}"}]}
    guest = order(GUEST_ORDER, customer_email=EMAIL, customer_name="Zzquintessa", billing_address=POSTAL)
    other = order(OTHER_ORDER, customer_email="somebody@example.com", note_of_shop=f"a friend of {EMAIL.lower()}")
    paid = {"id": ORDER, "order_id": ORDER, "transactions": [{"id": "t1", "amount": 58.1, "currency": "EUR"}]}
    paid["instruments"] = [{"id": "i1", "payment_method": "credit_card", "metadata": {"holder": "Zzquintessa"}}]
    refund = {"id": "r-1", "order_id": ORDER, "amount": 5, "currency": "EUR", "note": f"Zzquintessa: {EMAIL}"}
    returned = {"id": "ret-1", "order_id": ORDER, "customer_id": CUSTOMER, "customer_email": EMAIL, "items": []}
    return [
        envelope("customer.created", customer),
        envelope("customer.updated", edit, ascii_only=True, day=2),
        envelope("customer.address_created", address),
        envelope("customer.address_deleted", {"id": ADDRESS}, day=5),
        envelope("order.created", mine),
        envelope("order.opened", mine, ascii_only=True, day=2),
        envelope("order.created", mine, day=3),
        envelope("order.created", guest),
        envelope("order.created", other),
        envelope("payment_account.amount_captured", paid),
        envelope("refund_request.issued", refund),
        envelope("return.processed", returned, day=9),
        # What is no event.
        envelope("consumer_profile.created", {"consumer": quote(EMAIL), "Zznick": 1}),
        envelope("order.created", {"customer_email": EMAIL}),
        f'{{"name": "order.created", "payload": {{"email": "{EMAIL.lower()}"'.encode(),
        b"\xff\xfe" + f"to {CUSTOMER}, Zzgasse".encode("utf-16-le"),
        f'{{"tenant": "acme", "text": "call {PHONE}"}}'.encode(),
    ]


def make_home(home: Path, events: int = 150) -> Settings:
    """A home with the person among others, refreshed twice, so that the catalog holds small changes itself."""
    home.mkdir(parents=True)
    others = list(simulate(events=events, days=20, seed=3, bad=0.005))
    mine = deliveries()
    file = home.parent / "part.ndjson"
    for part in (others[: events // 2] + mine[:9], others[events // 2 :] + mine[9:]):
        lines = [body for body in part if b"\0" not in body and body.startswith(b'{"') and is_json(body)]
        file.write_bytes(b"\n".join(lines) + b"\n")
        replay([file], home)
        rest = [body for body in part if body not in set(lines)]
        append(home, rest)
        refresh(home)
    file.unlink()
    return Settings.load({}, home=str(home))


def append(home: Path, bodies: list[bytes]) -> None:
    """Bodies as a receiver takes them, whatever they are."""
    from warehouse.delivery.envelope import decode
    from warehouse.journal import JournalWriter

    with JournalWriter(home / "journal") as journal:
        if bodies:
            journal.append([decode(body, 1_700_000_000_000_000) for body in bodies])


def is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def spellings() -> Iterator[bytes]:
    """Every mark in every encoding that is searched for, in small letters."""
    for mark in MARKS:
        for text in {mark, json.dumps(mark)[1:-1], quote(mark)}:
            yield text.casefold().encode()
            yield text.casefold().encode("utf-16-le")


def remains(settings: Settings) -> list[str]:
    """Where in the home something of the person is: in the bytes of files, and in what the files mean."""
    marks = list(spellings())

    def has(content: bytes) -> bool:
        small = content.decode("utf-8", "replace").casefold().encode() + content.lower()
        return any(mark in small for mark in marks)

    found = []
    for path in sorted(settings.home.rglob("*")):
        if not path.is_file():
            continue
        if has(str(path).encode()) or has(path.read_bytes()):
            found.append(f"bytes of {path}")
        if path.suffix == ".parquet" and any(has(repr(row).encode()) or has(_raw(row)) for row in _rows(path)):
            found.append(f"rows of {path}")
    with open_lake(settings, read_only=True) as con:
        found += [f"catalog {table}" for table in _tables(con, "__ducklake_metadata_lake") if has(_all(con, table))]
        found += [f"lake {table}" for table in _tables(con, "lake") if has(_all(con, table))]
    if settings.build_path.exists():
        with duckdb.connect(str(settings.build_path), read_only=True) as con:
            found += [f"build {table}" for table in _tables(con, settings.build_path.stem) if has(_all(con, table))]
    return found


def log_rows(settings: Settings) -> list[tuple[Any, ...]]:
    """What no erasure changes of each row of the log."""
    with open_lake(settings, read_only=True) as con:
        return con.execute(
            "select batch, journal, position, received_at, published_at, payload_hash, problem from lake.log.events "
            "order by all"
        ).fetchall()


def _rows(path: Path) -> list[dict[str, Any]]:
    return pq.read_table(path).to_pylist()


def _raw(row: dict[str, Any]) -> bytes:
    return b"".join(value for value in row.values() if isinstance(value, bytes))


def _tables(con: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    rows = con.execute(
        "select database_name, schema_name, table_name from duckdb_tables() where database_name = ?", [database]
    ).fetchall()
    return [".".join(f'"{part}"' for part in row) for row in rows]


def _all(con: duckdb.DuckDBPyConnection, table: str) -> bytes:
    rows = con.execute(f"from {table}").fetchall()
    return "\n".join(map(repr, rows)).encode() + b"".join(v for row in rows for v in row if isinstance(v, bytes))
