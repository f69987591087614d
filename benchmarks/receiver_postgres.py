"""What many would write: Starlette and PostgreSQL, one insert a request over a pool; the server does group commit."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg  # type: ignore[import-untyped] # it has no types
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

CONNECTIONS = 16


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(
        os.environ["BENCHMARK_POSTGRES"], min_size=CONNECTIONS, max_size=CONNECTIONS
    ) as pool:
        await pool.execute("create table if not exists events (body bytea not null)")
        app.state.pool = pool
        yield


async def event(request: Request) -> Response:
    await request.app.state.pool.execute("insert into events values ($1)", await request.body())
    return Response()


app = Starlette(routes=[Route("/newstore_api/v0/event", event, methods=["POST"])], lifespan=lifespan)
