"""What is shown as a CSV file: every digit of an amount, and no text that a spreadsheet takes for a formula."""

import csv
import io

import pyarrow as pa

from warehouse.serving.spreadsheets import FORMULA


def as_csv(rows: pa.Table) -> bytes:
    """The rows under the names of their columns, in UTF-8 with the mark by which spreadsheets know it."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(rows.column_names)
    writer.writerows([_text(value) for value in row.values()] for row in rows.to_pylist())
    return stream.getvalue().encode("utf-8-sig")


def _text(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str) and FORMULA.match(text) else text
