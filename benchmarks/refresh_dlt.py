"""The same deliveries loaded with dlt: into DuckDB, merged by their key, nested lists as tables of their own."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from warehouse.delivery.envelope import decode


def load_with_dlt(source: Path, folder: Path) -> float:
    """Load a file of envelopes and return the seconds it took."""
    os.environ.update({"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"})
    import dlt

    folder.mkdir(parents=True, exist_ok=True)
    pipeline = dlt.pipeline(
        pipeline_name="newstore",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.duckdb(str(folder / "dlt.duckdb")),
        dataset_name="events",
    )
    events = dlt.resource(
        _events(source), name="events", write_disposition="merge", primary_key=["tenant", "name", "idempotency_key"]
    )
    began = time.perf_counter()
    pipeline.run(events)
    return time.perf_counter() - began


def _events(source: Path) -> Iterator[dict[str, Any]]:
    """Every envelope with its key; the payload as it is, for dlt to make tables of."""
    with source.open("rb") as lines:
        for line in lines:
            delivery = decode(line.rstrip(b"\n"), 0)
            yield {**json.loads(line), "idempotency_key": delivery.idempotency_key}
