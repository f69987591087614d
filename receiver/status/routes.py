"""The routes beside the event route: whether it lives, whether it can store, figures for Prometheus, and for people.

What a person sees wants a key; a browser is asked for it as a Basic password. None of them touches the lake.
"""

import math
import time
from threading import Lock
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from receiver.answers import GUESSED
from receiver.intake.api_keys import ApiKeys
from receiver.intake.group_commit import GroupCommit
from receiver.metrics import Collected, Metrics
from receiver.status.history import History
from receiver.status.home import HomeCollector
from receiver.status.html import HEADERS, problems_page, status_page
from receiver.status.notices import look
from warehouse.notes.log_counts import read_figures
from warehouse.settings import Settings
from warehouse.system.sources import Sources

NO_KEY: Final = (
    "The status page wants a key: in a browser as the password, with any name; else as the event route does.\n"
)
# So old are the metrics that somebody without a key may get.
METRICS_SECONDS: Final = 5.0
ASK_FOR_KEY: Final = {"www-authenticate": 'Basic realm="NewStore warehouse: any name, a key as the password"'}


class Pages:
    """The routes of one receiver."""

    def __init__(
        self, settings: Settings, keys: ApiKeys, commit: GroupCommit, metrics: Metrics, history: History
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._commit = commit
        self._metrics = metrics
        self._history = history
        self._one_at_a_time = Lock()
        self._collected = Collected([])
        self._collected_at = self._collected_until = -math.inf

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/health", self.health),
            Route("/ready", self.ready),
            Route("/metrics", self.metrics),
            Route("/", self.status),
            Route("/problems", self.problems),
        ]

    async def health(self, _: Request) -> Response:
        """This process lives."""
        return PlainTextResponse("alive\n")

    async def ready(self, _: Request) -> Response:
        """Whether deliveries can be stored, and if not, why."""
        problem = await self._find_problem()
        return JSONResponse({"ready": problem is None, "problem": problem}, status_code=503 if problem else 200)

    async def metrics(self, request: Request) -> Response:
        """Figures for Prometheus: as of now for somebody with a key, at most a few seconds old for anybody else.

        So a stranger who asks again and again makes this worker look once in that time.
        """
        accept = request.headers.get("accept", "")
        if self._may_watch(request) or time.monotonic() >= self._collected_until:
            collected = await run_in_threadpool(self._collect, time.monotonic())
        else:
            collected = self._collected
        content, content_type = await run_in_threadpool(collected.render, accept)
        return Response(content, headers={"content-type": content_type})

    async def status(self, request: Request) -> Response:
        """The last hour, the home, and what is wrong, for a person with a key."""
        if not self._may_watch(request):
            return self._ask_for_key(request)
        problem = await self._find_problem()
        return HTMLResponse(await run_in_threadpool(self._render_status, problem), headers=HEADERS)

    def problems(self, request: Request) -> Response:
        """What was kept without becoming an event, for a person with a key."""
        if not self._may_watch(request):
            return self._ask_for_key(request)
        sources = Sources()
        figures = sources.read("figures", lambda: read_figures(self._settings))
        return HTMLResponse(problems_page(figures, sources.unread), headers=HEADERS)

    async def unrouted(self, _: Request, error: Exception) -> Response:
        """Another path, or another method."""
        assert isinstance(error, HTTPException)
        self._metrics.unrouted(error.status_code)
        return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)

    def _collect(self, asked: float) -> Collected:
        """The metrics as of no earlier than `asked`: many who ask at once make it look once."""
        with self._one_at_a_time:
            if self._collected_at <= asked:
                self._collected_at = time.monotonic()
                self._collected = self._metrics.collect(HomeCollector(self._settings))
                self._collected_until = time.monotonic() + METRICS_SECONDS
            return self._collected

    def _render_status(self, problem: str | None) -> str:
        return status_page(look(self._settings, self._history, problem))

    def _may_watch(self, request: Request) -> bool:
        return self._keys.may_watch(dict(request.scope["headers"]))

    def _ask_for_key(self, request: Request) -> Response:
        client = request.client and (request.client.host, request.client.port)
        answer = self._keys.refusal(dict(request.scope["headers"]), client)
        if answer is GUESSED:
            self._metrics.refused(answer)
            return PlainTextResponse(answer.content, answer.status, {"connection": "close"})
        self._metrics.unrouted(401)
        return PlainTextResponse(NO_KEY, 401, ASK_FOR_KEY)

    async def _find_problem(self) -> str | None:
        """Why deliveries cannot be stored, or None when they can."""
        if self._commit.closing:
            return "shutting down"
        try:
            is_full = await run_in_threadpool(self._commit.is_full)
        except OSError as error:
            return f"the journal's folder cannot be looked at: {error.strerror}"
        if is_full:
            # Asked first: on a full disk no journal is begun just to see whether that can be done.
            return "the disk is full"
        return await self._commit.find_fault()
