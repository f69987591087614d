"""The least a receiver can do with Starlette: a route that reads the body and answers. No parsing, no disk."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def event(request: Request) -> Response:
    await request.body()
    return Response()


app = Starlette(routes=[Route("/newstore_api/v0/event", event, methods=["POST"])])
