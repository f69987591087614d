"""What many would write: Starlette and SQLite, one durable commit a request. Its best case: one file, WAL, no index."""

import os
import sqlite3
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

# Autocommit: each insert is a transaction. In the event's own thread: a thread a request was slower.
database = sqlite3.connect(Path(os.environ["BENCHMARK_HOME"]) / "events.sqlite", isolation_level=None)
database.execute("pragma journal_mode = wal")
database.execute("pragma synchronous = full")
database.execute("create table events (body blob not null)")


async def event(request: Request) -> Response:
    database.execute("insert into events values (?)", [await request.body()])
    return Response()


app = Starlette(routes=[Route("/newstore_api/v0/event", event, methods=["POST"])])
