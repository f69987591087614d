"""What the models ask of Python in their queries: how each delivery is to be read."""

from __future__ import annotations  # pyarrow is generic for type checkers alone

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import duckdb
from duckdb.func import PythonUDFType
from duckdb.sqltypes import BOOLEAN, VARCHAR

from warehouse.build.names import CONFORMS, READ, REWRITE, WITHOUT_ZEROS
from warehouse.contract import load_contract
from warehouse.delivery.payload_reading import Reader
from warehouse.delivery.zero_bytes import without_zeros

if TYPE_CHECKING:
    import pyarrow as pa

_READING: Final = (
    "STRUCT(problem VARCHAR, idempotency_key VARCHAR, is_rewritten BOOLEAN, "
    "findings STRUCT(path VARCHAR, drift VARCHAR, expected_type VARCHAR, seen_type VARCHAR)[])"
)


def add_functions(con: duckdb.DuckDBPyConnection) -> None:
    """Let the queries of this DuckDB read deliveries by the shipped contract.

    `conforms_to_contract` says whether a body is in all as the contract has it, `read_delivery` how one that is not is
    read, and `body_as_read` what DuckDB is to read instead of one that is rewritten. `without_zeros` makes zero bytes
    visible in the texts of any JSON.
    """
    # DuckDB would evaluate the annotations of a function, which are for type checkers alone. By Arrow it takes many
    # bodies at once; but texts that come back so are freed while it still reads them (1.5.5), so these come one by one.
    options: dict[str, Any] = {"null_handling": "special"}
    con.create_function(
        CONFORMS,
        lambda names, bodies: _conform(names, bodies),  # noqa: PLW0108 - see above
        [VARCHAR, VARCHAR],
        BOOLEAN,
        type=PythonUDFType.ARROW,
        **options,
    )
    texts: list[Any] = [VARCHAR, VARCHAR]
    con.create_function(READ, lambda name, body: _read(name, body), texts, con.sqltype(_READING), **options)  # noqa: PLW0108
    con.create_function(REWRITE, lambda name, body: _rewrite(name, body), texts, VARCHAR, **options)  # noqa: PLW0108
    con.create_function(WITHOUT_ZEROS, lambda body: without_zeros(body.encode()).decode(), texts[:1], VARCHAR)


def _conform(names: pa.ChunkedArray[Any], bodies: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    # Not at the top: whoever asks the lake for something else does not wait for it.
    import pyarrow as pa

    conforms = _reader().conforms
    answers = list[bool]()
    for name, text in zip(names.to_pylist(), bodies.cast(pa.large_binary()), strict=True):
        # One body at a time: two thousand of them may be too much to have twice.
        body: bytes | None = text.as_py()
        answers.append(body is not None and conforms(name, body))
    return pa.array(answers, pa.bool_())


def _read(name: str | None, body: str | None) -> dict[str, Any] | None:
    reading = None if body is None else _reader().read(name, body.encode())
    if reading is None:
        return None
    return {
        "problem": None if reading.problem is None else reading.problem.value,
        "idempotency_key": reading.idempotency_key,
        "is_rewritten": reading.body is not None,
        "findings": [finding._asdict() for finding in reading.findings],
    }


def _rewrite(name: str | None, body: str | None) -> str | None:
    reading = None if body is None else _reader().read(name, body.encode())
    return reading.body.decode() if reading and reading.body else body


@cache
def _reader() -> Reader:
    # A resident refresh opens many sessions, and the decoders are classes.
    return Reader(load_contract())
