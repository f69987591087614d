"""A retailer's own data by the command line: filled in, loaded, listed, also beside a receiver and against a forger."""

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.live import envelope, running
from warehouse.delivery.delivery import Problem

HEAD = "location_id,name,kind,time_zone,region,country,currency,opened_on,closed_on,selling_area"


def write(folder: Path, text: str) -> str:
    file = folder / "file.csv"
    file.write_text(text)
    return str(file)


def test_load_list_and_template(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path, "location_id,name,time_zone\nBER,Berlin,Europe/Berlin\n")
    result = run("reference", "load", "locations", file)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: no event has come here yet, so nothing says whose data these are.\n"
        "Try: give --tenant, as `tenant` stands in NewStore's events\n"
    )
    assert run("reference", "template", "locations").stdout == f"{HEAD}\n"
    result = run("reference", "load", "locations", file, "--tenant", "acme")
    assert result.stdout == "1 row of locations for acme: 1 loaded.\nThe next refresh shows them in the marts.\n"
    assert "No event of tenant acme has come here yet." in result.stderr
    assert run("reference", "load", "locations", file).stdout == (
        "1 row of locations for acme: 0 loaded, 1 said nothing new.\n"
    )
    told = json.loads(run("reference", "load", "locations", file, "--json").stdout)
    assert told == {
        "kind": "locations",
        "tenant": "acme",
        "rows": 1,
        "loaded": 0,
        "unchanged": 1,
        "is_new_tenant": False,
    }
    assert run("reference", "template", "locations").stdout == f"{HEAD}\nBER,Berlin,,Europe/Berlin,,,,,,\n"

    (counted,) = json.loads(run("reference", "list", "--json").stdout)
    assert (counted["kind"], counted["tenant"], counted["rows"]) == ("locations", "acme", 1)
    assert "locations" in run("reference", "list").stdout
    listed = json.loads(run("reference", "list", "locations", "--json").stdout)
    assert listed == {
        "tenant": "acme",
        "columns": HEAD.split(","),
        "rows": [["BER", "Berlin", "", "Europe/Berlin", "", "", "", "", "", ""]],
    }
    assert "Europe/Berlin" in run("reference", "list", "locations").stdout
    assert run("reference", "list", "products").stdout == "No products are loaded for acme.\n"


def test_mistakes_are_named_a_line_each_and_nothing_is_loaded(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path, "location_id,time_zone\nBER,Berlin\nHAM,Hamburg\n")
    result = run("reference", "load", "locations", file, "--tenant", "acme")
    assert (result.returncode, result.stdout) == (1, "")
    zone = "the name of a time zone, such as Europe/Berlin or America/New_York"
    assert result.stderr.splitlines() == [
        f"{file}: line 2, column time_zone: found 'Berlin', allowed is {zone}",
        f"{file}: line 3, column time_zone: found 'Hamburg', allowed is {zone}",
        f"Error: {file}: 2 mistakes; nothing of the file was loaded.",
        "Try: correct them and load the file again; `warehouse reference template locations` writes one of this form",
    ]
    assert run("reference", "load", "shops", file).returncode == 2


def test_a_template_has_the_ids_that_events_have_named(run: Run, tmp_path: Path) -> None:
    payment = {
        "tenant": "test",
        "name": "payment_account.amount_captured",
        "published_at": "2026-01-02T03:04:05Z",
        "payload": {
            "id": "order-1",
            "order_id": "order-1",
            "transactions": [{"id": "t", "instrument_id": "i", "amount": 1, "currency": "EUR"}],
            "instruments": [{"id": "i", "payment_method": "credit_card", "payment_provider": "adyen"}],
        },
    }
    items = [{"id": "i", "product_id": "shoe"}, {"id": "j", "product_id": "=1+1"}]
    order = envelope(1, demand_location_id="BER", channel="web", items=items)
    events = tmp_path / "events.ndjson"
    events.write_bytes(order + b"\n" + json.dumps(payment).encode() + b"\n")
    assert run("replay", str(events)).returncode == 0
    assert run("refresh").returncode == 0
    first_fields = {
        kind: [line.split(",")[:2] for line in run("reference", "template", kind).stdout.splitlines()[1:]]
        for kind in ("locations", "channels", "products", "tenders", "retailer", "rates")
    }
    assert first_fields == {
        "locations": [["BER", ""]],
        "channels": [["web", ""]],
        "products": [["=1+1", ""], ["shoe", ""]],
        "tenders": [["credit_card", "adyen"]],
        "retailer": [],
        "rates": [],
    }
    # A template that nobody has filled in says nothing.
    file = write(tmp_path, run("reference", "template", "products").stdout)
    assert (
        run("reference", "load", "products", file).stdout
        == "2 rows of products for test: 0 loaded, 2 said nothing new.\n"
    )


def test_beside_a_receiver_and_a_forger(run: Run, home: Path, tmp_path: Path) -> None:
    forged = {
        "tenant": "test",
        "name": "reference.location",
        "published_at": "2099-01-01T00:00:00Z",
        "payload": {"location_id": "BER", "name": "Forged", "loaded_at": "2099-01-01T00:00:00Z"},
    }
    shown = ("sql", "select location_id, name from marts.dim_locations order by all", "--format", "csv")
    with running(home) as receiver:
        assert receiver.post(envelope(1, demand_location_id="BER")).status == 200
        assert receiver.post(json.dumps(forged).encode()).status == 200
        assert [one.problem for one in receiver.stored()] == [None, Problem.UNKNOWN_NAME]
        file = write(tmp_path, "location_id,name\nBER,Berlin\n")
        assert run("reference", "load", "locations", file).stdout.startswith("1 row of locations for test: 1 loaded.")
        # The receiver goes on in its own journal.
        assert receiver.post(envelope(2, demand_location_id="HAM")).status == 200
        assert run("refresh").returncode == 0
        assert run(*shown).stdout == "location_id,name\nBER,Berlin\nHAM,\n"
    # Neither a second look nor a copy of the log makes an event of it.
    assert "1 still unknown_name" in run("quarantine", "retry", "--apply").stdout
    copy = tmp_path / "log.ndjson"
    exported = run("log", "export", str(copy), "--json")
    assert json.loads(exported.stdout)["left_out"] == 1
    assert b"Forged" not in copy.read_bytes()
    assert run("refresh").returncode == 0
    assert run(*shown).stdout == "location_id,name\nBER,Berlin\nHAM,\n"

    other = {"WAREHOUSE_HOME": str(tmp_path / "other")}
    replayed = run("replay", str(copy), environ=other)
    assert "1 of them unknown_name" in replayed.stdout
    assert "unknown_name" not in run("replay", "--reference", str(copy), environ=other).stdout
    assert run("refresh", environ=other).returncode == 0
    assert run(*shown, environ=other).stdout == "location_id,name\nBER,Berlin\nHAM,\n"
