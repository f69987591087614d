"""One reading of times: what it takes, and that DuckDB reads alike what it is given as it stands."""

import random
import re
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from warehouse.delivery.times import USUAL_PATTERN, oddity_of, parse_time, written_time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "moment", "oddity"),
    [
        ("2024-01-01T00:00:00Z", NEW_YEAR, None),
        ("2024-01-01T00:00:00.1234567891Z", NEW_YEAR.replace(microsecond=123456), None),
        ("2024-01-01T02:00:00+02:00", NEW_YEAR, None),
        ("2024-01-01t00:00:00z", NEW_YEAR, "unusual_time"),
        ("2024-01-01T00:00:00z", NEW_YEAR, "unusual_time"),
        ("2023-12-31T24:00:00Z", NEW_YEAR, "unusual_time"),
        ("2024-01-01T02:00:00+0200", NEW_YEAR, "unusual_time"),
        ("2024-01-01T02:00:00 +02", NEW_YEAR, "unusual_time"),
        ("2024-01-01T00: 00: 00Z", NEW_YEAR, "unusual_time"),
        ("2024-01-01 00:00:00 UTC", NEW_YEAR, "unusual_time"),
        ("2024-01-01T00:00:00 gmt", NEW_YEAR, "unusual_time"),
        ("2024-01-01T00:00Z", NEW_YEAR, "unusual_time"),
        ("2024-01-01T00:00:00,5Z", NEW_YEAR.replace(microsecond=500000), "unusual_time"),
        ("2024-01-01T00:00:00.Z", NEW_YEAR, "unusual_time"),
        (" 2024-01-01T00:00:00Z ", NEW_YEAR, "unusual_time"),
        ("2024-01-01", NEW_YEAR, "time_without_zone"),
        ("2024-1-1", NEW_YEAR, "time_without_zone"),
        ("2024-01-01T00:00:00", NEW_YEAR, "time_without_zone"),
        ("2024-01-01 00:00:00.5", NEW_YEAR.replace(microsecond=500000), "time_without_zone"),
        ("0001-01-01T00:00:00Z", datetime.min.replace(tzinfo=UTC), None),
        ("9999-12-31T23:59:59.999999999Z", datetime.max.replace(tzinfo=UTC), None),
    ],
)
def test_what_is_a_time(text: str, moment: datetime, oddity: str | None) -> None:
    assert parse_time(text) == micros(moment)
    assert oddity_of(text) == oddity
    assert parse_time(written_time(micros(moment))) == micros(moment)


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2024", "2024-01", "2024-02-30T00:00:00Z", "2023-02-29", "2024-13-01", "2024-00-01"),
        *("2024-01-01T24:00:01Z", "2024-01-01T25:00:00Z", "2024-01-01T00:60:00Z", "2016-12-31T23:59:60Z"),
        *("2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00Zulu", "2024-01-01T00:00:00+2", "20240101T000000Z"),
        *("1704067200", "infinity", "epoch", "-2024-01-01", "0000-01-01", "10000-01-01", "٢٠٢٤-01-01T00:00:00Z"),
        *("0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "9999-12-31T24:00:00Z"),
    ],
)
def test_what_is_none(text: str) -> None:
    assert parse_time(text) is None


def test_duckdb_reads_alike_what_it_is_given_as_it_stands(seed: int) -> None:
    chance = random.Random(seed)
    texts = []
    for _ in range(20_000):
        date = f"{chance.randint(1000, 2999)}-{chance.randint(1, 12):02}-{chance.randint(1, 31):02}"
        clock = f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}"
        fraction = chance.choice(["", f".{chance.randrange(10 ** chance.randint(1, 9))}"])
        zone = chance.choice(
            ["Z", "+00:00", f"{chance.choice('+-')}{chance.randint(0, 14):02}:{chance.randint(0, 59):02}"]
        )
        texts.append(f"{date}T{clock}{fraction}{zone}")
    usual = [text for text in texts if re.search(USUAL_PATTERN, text)]
    assert len(usual) > len(texts) / 2
    texts += [
        written_time(micros(datetime.min.replace(tzinfo=UTC))),
        written_time(micros(datetime.max.replace(tzinfo=UTC))),
    ]
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        read = con.execute("select epoch_us(try_cast(text as timestamptz)) from (select unnest(?) as text)", [usual])
        assert [row[0] for row in read.fetchall()] == [parse_time(text) for text in usual]
        # 29 February is left to the reading, and is read all the same.
        assert parse_time("2024-02-29T00:00:00Z") is not None
        extremes = con.execute(
            "select epoch_us(try_cast(text as timestamptz)) from (select unnest(?) as text)", [texts[-2:]]
        )
        assert [row[0] for row in extremes.fetchall()] == [parse_time(text) for text in texts[-2:]]
