"""Reads a file of reference data: every row checked, every error with its line and column, or nothing of it.

UTF-8 with or without a byte order mark, fields in quotes where they need them, separated by commas, by semicolons (as
Excel writes where a comma is the decimal sign) or by tabs. With semicolons a comma in a number is its decimal sign.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from warehouse.errors import ReferenceFileError
from warehouse.reference import values
from warehouse.reference.kinds import Kind
from warehouse.reference.values import Allowed, Value

# A file of a million products has some 100 MB.
MOST_BYTES: Final = 256 * 2**20
MOST_ERRORS: Final = 20
SHOWN: Final = 60
SEPARATORS: Final = ",;\t"
_NUMBERS: Final = frozenset({values.amount, values.rate})
_DECIMAL_COMMA: Final = re.compile(r"\d+,\d+", re.ASCII)


class Row(NamedTuple):
    """A line of a file, and what it says: None where a field is empty. A column that the file lacks is not in it."""

    line: int
    said: Mapping[str, Value | None]


class Mistake(NamedTuple):
    """What is wrong: the line, the column where it is one of a column, what was found and what is allowed."""

    line: int
    column: str | None
    problem: str

    def __str__(self) -> str:
        place = f"line {self.line}" if self.column is None else f"line {self.line}, column {self.column}"
        return f"{place}: {self.problem}"


def read_file(path: Path, kind: Kind) -> list[Row]:
    """All rows of a file. Raises ReferenceFileError, which names the first twenty mistakes of the file."""
    return _Reading(path, kind).rows()


def wrong_file(path: Path, kind: Kind, mistakes: list[Mistake]) -> ReferenceFileError:
    """The error that names these mistakes, the first twenty of them, and how many there are."""
    shown = sorted(mistakes, key=lambda one: one.line)[:MOST_ERRORS]
    first = f", of which these are the first {MOST_ERRORS}" if len(mistakes) > MOST_ERRORS else ""
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes):,} mistakes"
    return ReferenceFileError(
        f"{count}{first}; nothing of the file was loaded.",
        f"correct them and load the file again; `warehouse reference template {kind.name}` writes one of this form",
        where=path,
        mistakes=tuple(map(str, shown)),
    )


class _Reading:
    def __init__(self, path: Path, kind: Kind) -> None:
        self._path = path
        self._kind = kind
        self._mistakes: list[Mistake] = []
        self._has_decimal_comma = False

    def rows(self) -> list[Row]:
        text = self._text()
        separator = self._separator(text)
        self._has_decimal_comma = separator == ";"
        lines = self._lines(text, separator)
        _, head = next(lines, (1, []))
        columns = self._columns(head)
        rows = [self._row(line, columns, fields) for line, fields in lines if not self._is_short(line, columns, fields)]
        self._check_keys(rows)
        if not rows and not self._mistakes:
            self._find(1, None, "there is no row below the names of the columns")
        self._stop_if_wrong()
        return rows

    def _text(self) -> str:
        try:
            if self._path.is_file() and self._path.stat().st_size > MOST_BYTES:
                raise self._error(f"is larger than {MOST_BYTES // 2**20} MiB.", "load it in parts")
            data = self._path.read_bytes()
        except OSError as error:
            raise self._error(
                f"cannot be read: {error.strerror}.", "name a CSV file that this user may read"
            ) from error
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise self._error(
                f"line {line}: is not UTF-8 at byte {error.start}; nothing of the file was loaded.",
                "save it as UTF-8; in Excel as `CSV UTF-8 (Comma delimited)`",
            ) from error

    def _separator(self, text: str) -> str:
        """The one by which most of the head are columns of the kind."""
        head = text.split("\n", 1)[0]

        def known(separator: str) -> int:
            fields = next(csv.reader([head], delimiter=separator), [])
            return sum(field.strip().lower() in self._kind.columns for field in fields)

        return max(SEPARATORS, key=known)

    def _lines(self, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
        """Each row that is not blank, with the line on which it begins."""
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._find(line, None, f"is no CSV from here on: {error}")
                self._stop_if_wrong()
                return
            if any(field.strip() for field in fields):
                yield line, fields

    def _columns(self, head: list[str]) -> list[str]:
        columns = [name.strip().lower() for name in head]
        allowed = ", ".join(self._kind.columns)
        for number, name in enumerate(columns):
            if name not in self._kind.columns:
                self._find(1, None, f"there is no column {_shown(head[number])}; allowed are {allowed}")
            elif name in columns[:number]:
                self._find(1, name, "stands twice")
        for name in (*self._kind.key, *self._kind.required):
            if name not in columns:
                self._find(1, name, f"is missing; the columns are {allowed}")
        # What stands below a head like this would be told as wrong without being so.
        self._stop_if_wrong()
        return columns

    def _is_short(self, line: int, columns: list[str], fields: list[str]) -> bool:
        if len(fields) == len(columns):
            return False
        self._find(line, None, f"has {len(fields)} fields; the first line has {len(columns)}")
        return True

    def _row(self, line: int, columns: list[str], fields: list[str]) -> Row:
        said = {name: self._value(line, name, field.strip()) for name, field in zip(columns, fields, strict=True)}
        for name in (*self._kind.key, *self._kind.required):
            if not fields[columns.index(name)].strip() and name not in self._kind.optional_key:
                self._find(line, name, "is empty, and must say something")
        return Row(line, said)

    def _value(self, line: int, name: str, field: str) -> Value | None:
        if not field:
            return None
        check = self._kind.columns[name]
        if self._has_decimal_comma and check in _NUMBERS and _DECIMAL_COMMA.fullmatch(field):
            field = field.replace(",", ".")
        value = check(field)
        if isinstance(value, Allowed):
            self._find(line, name, f"found {_shown(field)}, allowed is {value.what}")
            return None
        return value

    def _check_keys(self, rows: list[Row]) -> None:
        first: dict[tuple[str, ...], int] = {}
        for row in rows:
            key = self._kind.key_of(row.said)
            if any(
                not part and name not in self._kind.optional_key for name, part in zip(self._kind.key, key, strict=True)
            ):
                continue
            if key in first:
                named = " and ".join(self._kind.key) or "retailer"
                self._find(row.line, None, f"has the same {named} as line {first[key]}")
            first.setdefault(key, row.line)

    def _find(self, line: int, column: str | None, problem: str) -> None:
        self._mistakes.append(Mistake(line, column, problem))

    def _stop_if_wrong(self) -> None:
        if self._mistakes:
            raise wrong_file(self._path, self._kind, self._mistakes)

    def _error(self, what: str, hint: str) -> ReferenceFileError:
        return ReferenceFileError(what, hint, where=self._path)


def _shown(field: str) -> str:
    text = field if len(field) <= SHOWN else field[: SHOWN - 1] + "…"
    return repr(text)
