"""What many would write for a warehouse: Starlette and DuckDB, one insert a request."""

import os
from pathlib import Path

import duckdb
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

database = duckdb.connect(Path(os.environ["BENCHMARK_HOME"]) / "events.duckdb")
database.execute("create table events (body blob not null)")


async def event(request: Request) -> Response:
    database.execute("insert into events values (?)", [await request.body()])
    return Response()


app = Starlette(routes=[Route("/newstore_api/v0/event", event, methods=["POST"])])
