"""A file of reference data is read whole, or each of its mistakes is named with line and column."""

from decimal import Decimal
from pathlib import Path

import pytest

from warehouse.errors import ReferenceFileError
from warehouse.reference.csv_file import Row, read_file
from warehouse.reference.kinds import KINDS, LOCATIONS, PRODUCTS, RATES, RETAILER, TENDERS, Kind

ZONE = "the name of a time zone, such as Europe/Berlin or America/New_York"
AMOUNT = "a number of at most four decimals with a point and no other sign, such as 1250.50"


def read(tmp_path: Path, text: str | bytes, kind: Kind = LOCATIONS) -> list[Row]:
    file = tmp_path / "file.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_file(file, kind)


def mistakes(tmp_path: Path, text: str | bytes, kind: Kind = LOCATIONS) -> tuple[str, ...]:
    with pytest.raises(ReferenceFileError) as caught:
        read(tmp_path, text, kind)
    error = caught.value
    assert error.message.startswith(f"{tmp_path / 'file.csv'}: ")
    assert "nothing of the file was loaded" in error.message
    assert error.hint
    return error.mistakes


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_any_separator_with_or_without_a_mark(tmp_path: Path, separator: str, mark: bytes, line_end: str) -> None:
    lines = [["location_id", "Name", " time_zone "], ["MÜN", '"Stachus 1, ""Haus"""', "Europe/Berlin"], ["", "", ""]]
    text = "".join(separator.join(line) + line_end for line in lines)
    assert read(tmp_path, mark + text.encode()) == [
        Row(2, {"location_id": "MÜN", "name": 'Stachus 1, "Haus"', "time_zone": "Europe/Berlin"})
    ]


def test_with_semicolons_a_comma_is_the_decimal_sign(tmp_path: Path) -> None:
    row = read(tmp_path, "location_id;name;selling_area\nA;1,5;120,5\n")[0]
    assert row.said == {"location_id": "A", "name": "1,5", "selling_area": Decimal("120.5")}
    assert mistakes(tmp_path, "location_id;selling_area\nA;1.120,5\n") == (
        f"line 2, column selling_area: found '1.120,5', allowed is {AMOUNT}",
    )
    assert mistakes(tmp_path, 'location_id,selling_area\nA,"120,5"\n')[0].startswith(
        "line 2, column selling_area: found '120,5'"
    )


def test_an_empty_field_is_said_and_a_missing_column_is_not(tmp_path: Path) -> None:
    assert read(tmp_path, "location_id,name\nA,\n") == [Row(2, {"location_id": "A", "name": None})]


def test_all_mistakes_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = 'location_id,time_zone,opened_on,currency\nA,Mars,1.2.25,EURO\n"",UTC,,\nA,,,\n\nB,UTC\n"C\nD",,,\n'
    assert mistakes(tmp_path, text) == (
        f"line 2, column time_zone: found 'Mars', allowed is {ZONE}",
        "line 2, column opened_on: found '1.2.25', allowed is a day as YYYY-MM-DD, such as 2025-01-31",
        "line 2, column currency: found 'EURO', allowed is a code of ISO 4217 in capitals, such as EUR or USD",
        "line 3, column location_id: is empty, and must say something",
        "line 4: has the same location_id as line 2",
        "line 6: has 2 fields; the first line has 4",
        "line 7, column location_id: found 'C\\nD', allowed is one line of at most 500 characters that can be seen",
    )


def test_the_first_twenty_and_how_many_there_are(tmp_path: Path) -> None:
    text = "location_id,currency\n" + "".join(f"L{number},X\n" for number in range(30))
    with pytest.raises(ReferenceFileError, match="30 mistakes, of which these are the first 20; nothing") as caught:
        read(tmp_path, text)
    assert [one.partition(",")[0] for one in caught.value.mistakes] == [f"line {number}" for number in range(2, 22)]


def test_a_head_that_is_not_the_kinds(tmp_path: Path) -> None:
    columns = ", ".join(LOCATIONS.columns)
    assert mistakes(tmp_path, "location,name,name\nA,B,C\n") == (
        f"line 1: there is no column 'location'; allowed are {columns}",
        "line 1, column name: stands twice",
        f"line 1, column location_id: is missing; the columns are {columns}",
    )
    assert mistakes(tmp_path, "", LOCATIONS)[0] == f"line 1, column location_id: is missing; the columns are {columns}"
    assert mistakes(tmp_path, "location_id\n") == ("line 1: there is no row below the names of the columns",)
    assert mistakes(tmp_path, "currency,to_currency,valid_from\n", RATES) == (
        "line 1, column rate: is missing; the columns are currency, to_currency, valid_from, rate",
    )


def test_what_is_no_csv(tmp_path: Path) -> None:
    assert mistakes(tmp_path, 'location_id,name\nA,"open\n')[0].startswith("line 2: is no CSV from here on: ")
    with pytest.raises(ReferenceFileError, match="line 2: is not UTF-8 at byte 19; nothing of the file was loaded"):
        read(tmp_path, b"location_id,name\nA,\xe4\n")
    with pytest.raises(ReferenceFileError, match="cannot be read: No such file"):
        read_file(tmp_path / "none.csv", LOCATIONS)
    with pytest.raises(ReferenceFileError, match="cannot be read: Is a directory"):
        read_file(tmp_path, LOCATIONS)


def test_a_part_of_a_key_may_be_empty_where_the_kind_says_so(tmp_path: Path) -> None:
    rows = read(tmp_path, "payment_method,payment_provider,kind\ncash,,cash\ncash,till,cash\n", TENDERS)
    assert [TENDERS.key_of(row.said) for row in rows] == [("cash", ""), ("cash", "till")]
    assert mistakes(tmp_path, "payment_method,payment_provider\ncash,\ncash,\n", TENDERS) == (
        "line 3: has the same payment_method and payment_provider as line 2",
    )


def test_there_is_one_retailer(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "currency\nEUR\nUSD\n", RETAILER) == ("line 3: has the same retailer as line 2",)


def test_every_kind_is_one_of_the_contract() -> None:
    from warehouse.contract import load_contract

    events = load_contract().of_origin("reference")
    assert {kind.event for kind in KINDS.values()} == set(events)
    for kind in KINDS.values():
        fields = set(events[kind.event].fields.fields) - {"loaded_at"}
        assert set(kind.columns) | ({"tenant"} if kind is RETAILER else set()) == fields
        assert tuple(part.removesuffix("?") for part in events[kind.event].key) == (kind.key or ("tenant",))


def test_a_boolean_is_read_as_excel_writes_it(tmp_path: Path) -> None:
    rows = read(tmp_path, "product_id;is_gift_card\nA;TRUE\nB;\n", PRODUCTS)
    assert [row.said["is_gift_card"] for row in rows] == [True, None]
