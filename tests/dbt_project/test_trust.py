"""The trust models: every delivery is counted once, and what is wrong with any of them is named without its values."""

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

import warehouse
from tests.dbt_project.scenarios import rows
from warehouse.build.compiled_project import load_plan
from warehouse.build.model import Run, build_model, set_range
from warehouse.build.session import attach_build, log_position, open_session
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.log.sealer import seal
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

Received = tuple[datetime, bytes]

TEN = datetime(2026, 3, 1, 10, tzinfo=UTC)
MODELS = ["deliveries", "event_conflicts", "quarantined_events", "contract_drift"]


def body(name: str, published_at: datetime = TEN, **payload: Any) -> bytes:
    envelope = {"tenant": "acme", "name": name, "published_at": published_at.isoformat(), "payload": payload}
    return json.dumps(envelope).encode()


def after(minutes: float) -> datetime:
    return TEN + timedelta(minutes=minutes)


ITEM = {"id": "i", "product_id": "shoe", "quantity": 1, "pricebook_price": 58}
ORDER: dict[str, Any] = {
    "id": "o",
    "placed_at": "2026-03-01T09: 00:00Z",
    "created_at": "",
    "exchanges": [],
    "billing_address": {},
    "customer_id": None,
    "unheard_of": None,
    "neither": [],
    "items": [ITEM, {**ITEM, "id": "j", "pricebook_price": 4.94, "external_identifiers": {"any": {"thing": 1}}}],
    "extended_attributes": [{"name": "n", "value": {"free": ["x", 1]}}],
}
CREATED = body("order.created", **ORDER)

FIRST: list[Received] = [
    # The hour of ten: one event, 10 seconds late, its duplicate 16 minutes late and another variant at 20 minutes.
    (after(1 / 6), CREATED),
    (after(16), CREATED),
    (after(20), body("order.created", TEN, **ORDER | {"currency": "EUR"})),
    # Two variants under an inferred key.
    (after(1), body("order.opened", id="o", currency="EUR")),
    (after(2), body("order.opened", id="o", currency="USD")),
    # What cannot be an event: no JSON, no name, a name nobody knows, no UTF-8.
    (after(3), b"{"),
    (after(4), b'{"tenant": "acme"}'),
    (after(5), body("consumer_profile.deleted", id="p")),
    (after(6), b"\xff\xfe"),
]  # fmt: skip

SECOND: list[Received] = [
    # A new event in the hour of ten, and the first event once more two hours later: a replay with another published_at.
    (after(59), body("order.created", after(58), id="o2")),
    (after(150), body("order.created", after(149), **ORDER)),
    # Drift. In the first order all of it stands twice and is delivered twice, which makes 2 deliveries of each.
    *[
        (
            after(170 + minute),
            body(
                "order.created",
                after(170),
                id="d1",
                fraud_score={"secret": "s"},
                placed_at="yesterday",
                subtotal="58",
                is_exchange="False",
                associate_id=4,
                billing_address="Elm St 1",
                discounts={},
                items=[
                    {"id": "i", "quantity": "1", "upsell": 1, "discounts": [{"id": "x", "value": "10"}]},
                    {"id": "j", "quantity": "2", "upsell": 2, "discounts": []},
                ],
            ),
        )
        for minute in (0, 1)
    ],
    (
        after(175),
        body(
            "order.created",
            after(175),
            id="d2",
            placed_at=20260301,
            created_at="2026-02-30T00:00:00Z",
            items=[{"id": "i", "quantity": 1.5, "upsell": "x"}, "oops", {"a.b": 1}],
            subtotal="60",
        ),
    ),
    (after(176), body("payment_account.amount_captured", after(176), id="p", transactions=[
        {"id": "t1", "created_at": "2026-03-01T10:00:00.123456789Z", "extended_attributes": {}},
        {"id": "t2", "created_at": "noon", "extended_attributes": {"free": 1}},
        {"id": "t3", "created_at": "midnight", "extended_attributes": None},
    ])),
    (after(177), body("employee.created", after(177), id="e", roles=["manager", 4], is_active=1)),
    # Numbers in which a digit is lost: too great for money or an integer, and with a fifth decimal that is not zero.
    (after(178), body("refund_request.issued", after(178), id="n", amount=4.94555, reason_code=2**63, note="1e30")),
    (after(178), body("order.created", after(178), id="d3", grand_total=1e15, tax_total=4.94550, items=[
        {"id": "i", "tax": 1e-7, "pricebook_price": 99_999_999_999_999.99},
        {"id": "j", "tax": 123_456_789_012_345, "tax_provider_details": [{"rate": 0.088751234}]},
    ])),
    # Valid JSON all the same: a number past all doubles, keys that look like paths, a zero byte, 500 nested lists.
    (after(178), body("employee.updated", after(178), id="e", **{"first.name": "\0", "": {"roles[]": [[]]}}).replace(
        b'"\\u0000"', b'[1e999, "\\u0000", ' + b"[" * 500 + b"]" * 501
    )),
    # The first event once more as it was published, hours after.
    (after(250), CREATED),
]  # fmt: skip


@pytest.fixture(scope="module")
def home_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A function that journals parts of deliveries, a refresh after each, and gives a read-only connection."""
    with ExitStack() as connections:

        def build(*parts: Sequence[Received]) -> duckdb.DuckDBPyConnection:
            settings = Settings.load({}, home=str(tmp_path_factory.mktemp("home")))
            with JournalWriter(Path(settings.journal_dir)) as journal:
                for part in parts:
                    journal.append([decode(data, int(at.timestamp() * 1_000_000)) for at, data in part])
                    refresh(settings)
            return connections.enter_context(warehouse.connect(settings.home))

        yield build


@pytest.fixture(scope="module")
def con(home_of: Any) -> duckdb.DuckDBPyConnection:
    connection: duckdb.DuckDBPyConnection = home_of(FIRST, SECOND)
    return connection


def test_deliveries_are_events_duplicates_or_quarantined(con: duckdb.DuckDBPyConnection) -> None:
    columns = "hour, tenant, name, deliveries, events, duplicates, quarantined"
    twelve = after(120)
    assert rows(con, f"select {columns} from trust.deliveries order by all") == [
        (TEN, "acme", "consumer_profile.deleted", 1, 0, 0, 1),
        # CREATED twice, its variant, o2.
        (TEN, "acme", "order.created", 4, 3, 1, 0),
        (TEN, "acme", "order.opened", 2, 2, 0, 0),
        (TEN, "acme", None, 1, 0, 0, 1),
        (TEN, None, None, 2, 0, 0, 2),
        (twelve, "acme", "employee.created", 1, 1, 0, 0),
        (twelve, "acme", "employee.updated", 1, 1, 0, 0),
        # The replay of the first event, d1 twice, d2, d3.
        (twelve, "acme", "order.created", 5, 3, 2, 0),
        (twelve, "acme", "payment_account.amount_captured", 1, 1, 0, 0),
        (twelve, "acme", "refund_request.issued", 1, 1, 0, 0),
        (after(240), "acme", "order.created", 1, 0, 1, 0),
    ]


def test_lag_is_counted_in_seconds_from_published_at_to_the_first_delivery(con: duckdb.DuckDBPyConnection) -> None:
    columns = "lag_p50, lag_p95, lag_max, late_share"
    query = f"select {columns} from trust.deliveries where hour = '{TEN}' and name = 'order.created'"
    # 10, 60 and 1,200 seconds, and a duplicate that is not late: 0.9 of the way from 60 to 1,200; one of three late.
    assert rows(con, query) == [(60.0, pytest.approx(1086.0), 1200.0, pytest.approx(1 / 3))]
    nothing_to_judge = f"tenant is null or hour = '{after(240)}'"
    query = f"select {columns} from trust.deliveries where {nothing_to_judge}"
    assert rows(con, query) == [(None, None, None, None), (None, None, None, None)]


def test_conflicts_name_the_payload_that_counts_where_the_key_is_documented(con: duckdb.DuckDBPyConnection) -> None:
    columns = "event_name, idempotency_key, key_source, variants, winner_payload_hash"
    created, opened = rows(con, f"select {columns} from trust.event_conflicts order by event_name")
    # Both variants were published at ten: the greater hash wins.
    winner = rows(
        con, "select max(payload_hash) from log.events where idempotency_key = 'o' and name = 'order.created'"
    )
    assert created == ("order.created", "o", "documented", 2, winner[0][0])
    assert opened == ("order.opened", "o", "inferred", 2, None)


def test_quarantine_lists_what_is_not_in_the_facts_and_why(con: duckdb.DuckDBPyConnection) -> None:
    columns = "position, received_at, tenant, name, problem, size"
    assert rows(con, f"select {columns} from trust.quarantined_events order by position") == [
        (5, after(3), None, None, "not_json", 1),
        (6, after(4), "acme", None, "not_an_envelope", 18),
        (7, after(5), "acme", "consumer_profile.deleted", "unknown_name", len(FIRST[7][1])),
        (8, after(6), None, None, "not_utf8", 2),
    ]


def test_drift_is_named_by_path_and_never_by_value(con: duckdb.DuckDBPyConnection) -> None:
    columns = "event_name, path, drift, expected_type, seen_type, deliveries"
    assert rows(con, f"select {columns} from trust.contract_drift order by all") == [
        ("employee.created", "is_active", "wrong_type", "boolean", "integer", 1),
        ("employee.created", "roles[]", "wrong_type", "text", "mixed", 1),
        ("employee.updated", "", "unknown_field", None, "object", 1),
        ("employee.updated", "first.name", "unknown_field", None, "list", 1),
        ("employee.updated", "first.name[]", "does_not_fit", "text", "text", 1),
        ("order.created", "associate_id", "wrong_type", "text", "integer", 2),
        ("order.created", "billing_address", "wrong_type", "record", "text", 2),
        ("order.created", "created_at", "unreadable_time", "time", "text", 1),
        ("order.created", "fraud_score", "unknown_field", None, "object", 2),
        ("order.created", "grand_total", "does_not_fit", "money", "number", 1),
        ("order.created", "is_exchange", "wrong_type", "boolean", "text", 2),
        # d2's list holds a text among the items, so no more is known of them.
        ("order.created", "items[]", "wrong_type", "record", "mixed", 1),
        ("order.created", "items[].discounts[].value", "wrong_type", "number", "text", 2),
        ("order.created", "items[].quantity", "not_one_unit", "integer", "number", 1),
        ("order.created", "items[].quantity", "not_one_unit", "integer", "text", 2),
        ("order.created", "items[].quantity", "wrong_type", "integer", "text", 2),
        ("order.created", "items[].tax", "does_not_fit", "money", "integer", 1),
        ("order.created", "items[].tax", "does_not_fit", "money", "number", 1),
        ("order.created", "items[].upsell", "unknown_field", None, "integer", 2),
        ("order.created", "placed_at", "unreadable_time", "time", "text", 2),
        ("order.created", "placed_at", "unusual_time", "time", "text", 5),
        ("order.created", "placed_at", "wrong_type", "time", "integer", 1),
        ("order.created", "subtotal", "wrong_type", "money", "text", 3),
        # Two of its transactions say a time nobody can read, in one delivery.
        ("payment_account.amount_captured", "transactions[].created_at", "unreadable_time", "time", "text", 1),
        ("refund_request.issued", "amount", "does_not_fit", "money", "number", 1),
        ("refund_request.issued", "reason_code", "does_not_fit", "integer", "integer", 1),
    ]


def test_drift_points_at_its_first_delivery(con: duckdb.DuckDBPyConnection) -> None:
    columns = "example_position, first_seen_at, last_seen_at"
    query = f"select {columns} from trust.contract_drift where path = 'subtotal'"
    assert rows(con, query) == [(11, after(170), after(175))]


def test_any_split_into_refreshes_counts_the_same(con: duckdb.DuckDBPyConnection, home_of: Any) -> None:
    whole = [*FIRST, *SECOND]
    other = home_of(whole[:12], whole[12:])
    # Journals have other names in another home.
    columns = {"quarantined_events": "* exclude (journal)", "contract_drift": "* exclude (example_journal)"}
    for model in MODELS:
        query = f"select {columns.get(model, '*')} from trust.{model} order by all"
        assert rows(other, query) == rows(con, query), model


EXAMPLES: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "payloads.json").read_text())
# What a payload may say in the place of any of its values.
STRANGE: list[Any] = [
    None, "", " ", "x", {}, [], [None], [[1]], ["x", 1], {"a": 1}, {"a.b": {"c[0]": 1}}, True, 0, -1, 1.0, 1e3, 1.5,
    4.94555, 4.9455, 123456789012345, 10**11 + 1, 2**63, 2**64, 10**400, -(2**63), 1e-7, "1", "2026-03-01T10:00:00Z",
    "2026-03-01t10:00:00Z", "2026-03-01T10:00:00z", "2026-03-01 10:00:00+23:59", "2026-03-01T10: 00: 00Z",
    "2026-02-30T10:00:00Z", "0001-01-01T00:00:00+14:00", "2026-03-01T10:00:00.1234567891Z", "2026-03-01T10:00",
    "20260301",
]  # fmt: skip


def with_something_strange(chance: random.Random, value: Any) -> Any:
    """The value with one of the values in it, or itself, replaced, or a field that is new."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        field = chance.choice([*value, "unheard_of", "a.b"])
        return {**value, field: with_something_strange(chance, value.get(field))}
    if isinstance(value, list) and value and chance.random() < 0.8:
        place = chance.randrange(len(value))
        return [*value[:place], with_something_strange(chance, value[place]), *value[place + 1 :]]
    return chance.choice(STRANGE)


def written_strangely(chance: random.Random, data: bytes) -> bytes:
    """The same JSON with a letter of it as an escape, or a field twice."""
    if chance.random() < 0.2:
        return data.replace(b'"id"', b'"\\u0069d"').replace(b"T10:", b"\\u007410:")
    return data.replace(b'"id":', b'"id": null, "id":') if chance.random() < 0.2 else data


def test_what_the_decoder_passes_over_differs_in_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    settings = Settings.load({}, home=str(tmp_path / "home"))
    deliveries = [
        written_strangely(chance, body(name, **payload | {field: with_something_strange(chance, payload.get(field))}))
        for name, payload in EXAMPLES.items()
        for field in chance.choices([*payload, "unheard_of", "a.b"], k=40)
    ]
    settings.home.mkdir()
    with JournalWriter(Path(settings.journal_dir)) as journal:
        journal.append([decode(data, number) for number, data in enumerate(deliveries)])
    with open_session(settings) as session:
        session.execute("set TimeZone = 'UTC'")
        seal(settings, con=session)
        attach_build(session, settings)
        steps = load_plan(settings).steps
        run = Run("test", log_position(session).batch)
        build_model(session, steps["stg_readings"].model, run)
        models = [steps[name].model.whole for name in ("int_structure_drift", "int_value_drift")]
        whole = " union all ".join(f"from ({model})" for model in models)
        set_range(session, 0, run.position)
        passed = "select count(*) from lake.log.events where problem is null and read_delivery(name, body) is null"
        ((count,),) = session.execute(passed).fetchall()
        assert 0 < count < len(deliveries)
        with_decoder = session.execute(f"{whole} order by all").fetchall()
        # Now as if the decoder had taken none of them for one that conforms.
        session.execute(
            f"""
            insert into build.staging.stg_readings by name
            select tenant, name, journal, position, received_at, false as is_rewritten, {run.position} as changed_batch
            from lake.log.events
            where problem is null and read_delivery(name, body) is null
            """
        )
        assert with_decoder == session.execute(f"{whole} order by all").fetchall()
        assert len(with_decoder) > 100
