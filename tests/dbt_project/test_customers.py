"""Customers, addresses and employees: the newest state by revision, a history without gaps, deletion for good."""

from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.dbt_project.scenarios import rows


def event(name: str, day: int, month: int = 3, **payload: Any) -> dict[str, Any]:
    published_at = f"2026-{month:02}-{day:02}T12:00:00Z"
    return {"tenant": "acme", "name": name, "published_at": published_at, "payload": payload}


def created(customer_id: str, day: int, **fields: Any) -> dict[str, Any]:
    return event("customer.created", day, id=customer_id, **fields)


def updated(customer_id: str, day: int, **fields: Any) -> dict[str, Any]:
    return event("customer.updated", day, id=customer_id, **fields)


def address(step: str, address_id: str, day: int, **fields: Any) -> dict[str, Any]:
    return event(f"customer.address_{step}", day, id=address_id, **fields)


def employee(step: str, employee_id: str, day: int, **fields: Any) -> dict[str, Any]:
    return event(f"employee.{step}", day, id=employee_id, **fields)


def order(order_id: str, day: int, month: int = 3, price: float = 10, **fields: Any) -> dict[str, Any]:
    item = {"id": f"{order_id}-1", "item_type": "product", "product_id": "shoe", "pricebook_price": price}
    fields = {"currency": "EUR", "placed_at": f"2026-{month:02}-{day:02}T09:00:00Z", "items": [item], **fields}
    return event("order.created", day, month, id=order_id, **fields)


def noon(day: int, month: int = 3) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


def nine(day: int, month: int = 3) -> datetime:
    return datetime(2026, month, day, 9, tzinfo=UTC)


TICK = timedelta(microseconds=1)

EVENTS = [
    # ada: revision 10 is newer than "9", whatever their times say, and it empties the phone number.
    created(
        "ada",
        1,
        email="ada@example.com",
        first_name="Ada",
        last_name="Byron",
        phone="1",
        created_at="2026-02-27T08:00:00Z",
    ),
    updated("ada", 6, revision="9", email="nine@example.com", first_name="Ada", last_name="Byron", phone="9"),
    updated(
        "ada",
        5,
        revision=10,
        email="ten@example.com",
        first_name="Ada",
        last_name="Lovelace",
        phone="",
        updated_at="2026-03-05T10:00:00Z",
    ),
    updated(
        "ada",
        4,
        revision=1,
        email="one@example.com",
        first_name="Ada",
        last_name="Byron",
        phone="1",
        updated_at="2026-03-04T10:00:00Z",
    ),
    # bob: integrations start late, so only edits are known. Without revisions the times decide.
    updated(
        "bob",
        3,
        email="new@example.com",
        first_name="",
        last_name="Bobson",
        created_at="2020-01-01T00:00:00Z",
        updated_at="2026-03-03T11:00:00Z",
    ),
    updated("bob", 9, revision=None, email="old@example.com", updated_at="2026-03-02T11:00:00Z"),
    # cem: an anonymous creation, edited by an event of the very same time; the creation is sent once more, changed.
    created("cem", 2, email="", first_name=" ", created_at="2026-03-02T09:00:00Z"),
    created("cem", 3, email="", first_name=" ", created_at="2026-03-02T09:00:00Z", source={"location_id": "BERK"}),
    updated("cem", 2, revision=0, email="cem@example.com", updated_at="2026-03-02T09:00:00"),
    # The orders. dora and eve are known by what they do; fay by an address, gus by a blind return.
    order("o1", 5, customer_id="ada"),
    order("o2", 20, 1, customer_id="ada", price=30, is_historical=True),
    order("o3", 2, 4, customer_id="ada", price=7.5, currency="USD"),
    order("o4", 3, 4, customer_id="ada", price=2.5, currency="USD"),
    order("o5", 6, customer_id="dora", price=5),
    # o6 was dora's until it was opened.
    order("o6", 7, customer_id="dora", price=20),
    event("order.opened", 8, **order("o6", 7, customer_id="eve", price=20)["payload"]),
    event("order.cancelled", 9, id="o6", items=[{"id": "o6-1"}]),
    order("o7", 8, 4, customer_id="eve", price=1),
    # The return of o1 names nobody, that of o5 somebody else than the order.
    event("return.processed", 10, id="r1", order_id="o1", items=[{"id": "o1-1"}]),
    event("return.processed", 11, id="r2", order_id="o5", customer_id="eve", items=[]),
    event("return.processed", 12, id="r3", blind_order_id="b", customer_id="gus", items=[]),
    # a1 is edited twice, the later edit by revision is published first; its deletion came before its creation.
    address("deleted", "a1", 1, customer_id="ada", deleted_at="2026-03-20T08:00:00Z"),
    address(
        "updated",
        "a1",
        2,
        customer_id="ada",
        revision=10,
        type="billing",
        address_line1="Ten St 1",
        address_line_2="",
        country="DE",
        updated_at="2026-03-06T08:00:00Z",
    ),
    address(
        "updated",
        "a1",
        3,
        customer_id="ada",
        revision="9",
        type="billing",
        address_line_1="Nine St 1",
        updated_at="2026-03-07T08:00:00Z",
    ),
    address(
        "created",
        "a1",
        4,
        customer_id="ada",
        type="billing",
        address_line_1="One St 1",
        created_at="2026-03-03T08:00:00Z",
    ),
    # a2 as created, with both spellings; a3 known by its deletion alone; a4 says whose it is only when created.
    address(
        "created",
        "a2",
        5,
        customer_id="fay",
        type="shipping",
        address_line_1="",
        address_line1="B St 2",
        address_line_2="Flat 3",
        address_line2="x",
        first_name="Fay",
        last_name="",
        zip_code="10115",
        city="Berlin",
        state="BE",
        country_code="DE",
        country="FR",
        phone="030",
    ),
    address("deleted", "a3", 6, customer_id="fay"),
    address("created", "a4", 7, customer_id="fay", city="Bonn", created_at="2026-03-07T07:00:00Z"),
    address("updated", "a4", 8, city="Köln"),
    # Employees: the edit arrives first; the second is known by edits alone.
    employee("updated", "e1", 4, associate_id="4", email="e1@example.com", first_name="Eli", is_active=False),
    employee(
        "created",
        "e1",
        5,
        associate_id="4",
        email="",
        first_name="Elias",
        last_name="E",
        is_active=True,
        created_at="2026-03-01T07:00:00Z",
    ),
    employee("updated", "e2", 6, last_name="Old", updated_at="2026-03-05T07:00:00Z"),
    employee(
        "updated",
        "e2",
        5,
        last_name="New",
        updated_at="2026-03-06T07:00:00Z",
        created_at="2019-01-01T00:00:00Z",
        is_active=True,
    ),
]


@pytest.fixture(scope="module")
def con(warehouse_of: Any) -> duckdb.DuckDBPyConnection:
    connection: duckdb.DuckDBPyConnection = warehouse_of(EVENTS)
    return connection


def test_a_customer_is_what_the_greatest_revision_says(con: duckdb.DuckDBPyConnection) -> None:
    columns = "customer_id, email, first_name, last_name, phone, revision, is_complete, created_at, updated_at"
    query = f"select {columns} from marts.dim_customers where revision is not null order by customer_id"
    assert rows(con, query) == [
        (
            "ada", "ten@example.com", "Ada", "Lovelace", None, 10, True,
            datetime(2026, 2, 27, 8, tzinfo=UTC), datetime(2026, 3, 5, 10, tzinfo=UTC),
        ),
        (
            "bob", "new@example.com", None, "Bobson", None, 0, False,
            datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 3, 3, 11, tzinfo=UTC),
        ),
        ("cem", "cem@example.com", None, None, None, 0, True, nine(2), nine(2)),
    ]  # fmt: skip


def test_a_customer_has_their_orders_and_returns(con: duckdb.DuckDBPyConnection) -> None:
    columns = "customer_id, order_count, first_order_at, last_order_at, return_count"
    assert rows(con, f"select {columns} from marts.dim_customers order by customer_id") == [
        # o1 to o4, the historical o2 first; r1 is the return of o1.
        ("ada", 4, nine(20, 1), nine(3, 4), 1),
        ("bob", 0, None, None, 0),
        ("cem", 0, None, None, 0),
        # o6 went to eve, and r2 names her too.
        ("dora", 1, nine(6), nine(6), 0),
        ("eve", 2, nine(7), nine(8, 4), 1),
        ("fay", 0, None, None, 0),
        ("gus", 0, None, None, 1),
    ]


def test_known_only_by_what_they_did(con: duckdb.DuckDBPyConnection) -> None:
    columns = "customer_id, email, revision, is_complete, created_at, updated_at"
    query = f"select {columns} from marts.dim_customers where revision is null order by customer_id"
    assert rows(con, query) == [(name, None, None, False, None, None) for name in ("dora", "eve", "fay", "gus")]


def test_history_follows_the_revisions_where_times_run_back(con: duckdb.DuckDBPyConnection) -> None:
    columns = "revision, email, valid_from, valid_to, is_current"
    query = f"select {columns} from marts.dim_customer_history where customer_id = 'ada' order by valid_from"
    # Revision 9 says no time and was published on the 6th; 10 says the 5th, so it begins right after 9 began.
    first, one, nine_, ten = (
        datetime(2026, 2, 27, 8, tzinfo=UTC), datetime(2026, 3, 4, 10, tzinfo=UTC), noon(6), noon(6) + TICK,
    )  # fmt: skip
    assert rows(con, query) == [
        (0, "ada@example.com", first, one, False),
        (1, "one@example.com", one, nine_, False),
        (9, "nine@example.com", nine_, ten, False),
        (10, "ten@example.com", ten, None, True),
    ]


def test_states_of_one_time_follow_each_other_and_equal_ones_are_one(con: duckdb.DuckDBPyConnection) -> None:
    columns = "email, first_name, valid_from, valid_to, is_current"
    query = f"select {columns} from marts.dim_customer_history where customer_id = 'cem' order by valid_from"
    # Both creations are nobody's; the edit has their revision and their time, and comes after them.
    assert rows(con, query) == [
        (None, None, nine(2), nine(2) + TICK, False),
        ("cem@example.com", None, nine(2) + TICK, None, True),
    ]


def test_an_address_is_its_newest_edit_and_deleted_for_good(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "address_id, customer_id, address_type, first_name, last_name, address_line_1, address_line_2, zip_code, city, "
        "state, country_code, is_deleted, created_at, updated_at, deleted_at"
    )
    eight = datetime(2026, 3, 3, 8, tzinfo=UTC)
    assert rows(con, f"select {columns} from marts.dim_customer_addresses order by address_id") == [
        (
            "a1", "ada", "billing", None, None, "Ten St 1", None, None, None, None, "DE", True,
            eight, eight.replace(day=6), eight.replace(day=20),
        ),
        (
            "a2", "fay", "shipping", "Fay", None, "B St 2", "Flat 3", "10115", "Berlin", "BE", "DE", False,
            noon(5), noon(5), None,
        ),
        ("a3", "fay", *[None] * 9, True, None, None, noon(6)),
        ("a4", "fay", *[None] * 6, "Köln", None, None, False, datetime(2026, 3, 7, 7, tzinfo=UTC), noon(8), None),
    ]  # fmt: skip


def test_an_employee_is_what_the_newest_edit_says(con: duckdb.DuckDBPyConnection) -> None:
    columns = "employee_id, associate_id, email, first_name, last_name, is_active, created_at, updated_at"
    seven = datetime(2026, 3, 1, 7, tzinfo=UTC)
    assert rows(con, f"select {columns} from marts.dim_employees order by employee_id") == [
        ("e1", "4", "e1@example.com", "Eli", None, False, seven, noon(4)),
        ("e2", None, None, None, "New", True, datetime(2019, 1, 1, tzinfo=UTC), seven.replace(day=6)),
    ]


def test_cohorts_by_the_month_of_the_first_order(con: duckdb.DuckDBPyConnection) -> None:
    columns = "cohort_month, months_since, currency, customers, active_customers, net_sales::double"
    january, march = datetime(2026, 1, 1).date(), datetime(2026, 3, 1).date()  # noqa: DTZ001 - a day has no zone
    assert rows(con, f"select {columns} from marts.customer_cohorts order by all") == [
        # ada came by a historical order, which is no sale; 10 in March, 7.5 + 2.5 dollars in April.
        (january, 0, "EUR", 1, 1, 0.0),
        (january, 2, "EUR", 1, 1, 10.0),
        (january, 3, "USD", 1, 1, 10.0),
        # dora's 5 and eve's 20, cancelled later; eve comes again in April.
        (march, 0, "EUR", 2, 2, 25.0),
        (march, 1, "EUR", 2, 1, 1.0),
    ]
