"""The receiver as an ASGI application: `uvicorn receiver.app:app`.

Settings are read when the server starts it, not when it is imported. What is wrong with them stops the start, in two
lines; whoever reaches the first request finds a journal open.
"""

import asyncio
import gc
import logging
import multiprocessing
import os
import secrets
import signal
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from receiver.answers import NOT_STORED
from receiver.intake.api_keys import ApiKeys
from receiver.intake.body import Room
from receiver.intake.endpoint import ENDPOINT, EventEndpoint
from receiver.intake.group_commit import GroupCommit
from receiver.metrics import SHARED_FOLDER, STATE, Metrics
from receiver.status.history import History
from receiver.status.notices import status_folder
from receiver.status.routes import Pages
from warehouse.contract import load_contract
from warehouse.errors import SettingsError, WarehouseError
from warehouse.settings import Settings
from warehouse.system.disk import keep_private
from warehouse.system.terminal import Terminal

EVENT_PATH: Final = "/newstore_api/v0/event"

logger = logging.getLogger(__name__)


def require_keys(settings: Settings) -> None:
    """Raise SettingsError when nobody could deliver anything."""
    if not settings.live_keys():
        raise SettingsError(
            "WAREHOUSE_API_KEYS: no API key is set, so every delivery would be refused.",
            "set it to the api_key that NewStore's event stream was given, commas between several; "
            "`warehouse keys new` makes one",
        )


def create_app(settings: Settings) -> Starlette:
    """The receiver with these settings; its lifespan opens the journal. Raises SettingsError or ContractError."""
    require_keys(settings)
    keys = ApiKeys(settings)
    metrics = Metrics(load_contract().of_origin("newstore"))
    commit = GroupCommit(settings, metrics)
    history = History(metrics, status_folder(settings), f"{os.getpid()}-{secrets.token_hex(4)}")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        _end_with_supervisor()
        journal = await commit.open()
        _collect_rarely()
        logger.info("receiving home=%s keys=%d journal=%s", settings.home, len(keys), journal)
        if multiprocessing.parent_process() is not None and SHARED_FOLDER not in os.environ:
            logger.warning("/metrics tells of one worker at a time; set %s or use `warehouse serve`", SHARED_FOLDER)
        terminal = Terminal()

        def hung_up() -> None:
            # The workers of a supervisor hear of it from there.
            if terminal.is_gone() and multiprocessing.parent_process() is None:
                logger.info("the terminal was closed")
                os.kill(os.getpid(), signal.SIGTERM)
            else:
                keys.look(again=True)

        with _on_hangup(hung_up):
            beside = [asyncio.create_task(keys.keep_looking()), asyncio.create_task(history.keep_sampling())]
            beside.append(asyncio.create_task(commit.keep_looking()))
            yield
            for task in beside:
                task.cancel()
        await commit.close()
        await run_in_threadpool(history.sample)
        metrics.close()
        logger.info("stopped journal=%s", journal)

    room = Room(settings.queue_bytes)
    event = EventEndpoint(keys, settings.max_body, room, commit, metrics)
    pages = Pages(settings, keys, commit, metrics, history)
    app = Starlette(
        routes=[Route(EVENT_PATH, event, methods=["POST"]), *pages.routes()],
        exception_handlers={404: pages.unrouted, 405: pages.unrouted},
        lifespan=lifespan,
    )
    app.state.event = event
    app.state.metrics = metrics
    # NewStore does not follow a redirect: a path is right or it is not.
    app.router.redirect_slashes = False
    return app


@contextmanager
def _on_hangup(act: Callable[[], None]) -> Iterator[None]:
    """Act on each SIGHUP, where signals come to this thread."""
    loop = asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop.add_signal_handler(signal.SIGHUP, act)
    # `warehouse serve` has them wait until here, and again from when nobody reads the keys any more.
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        loop.remove_signal_handler(signal.SIGHUP)


def _collect_rarely() -> None:
    """Look for garbage in cycles after 50,000 new objects instead of 700, and never among what the start has made.

    A request leaves no cycles, but a few hundred at hand at once set off a search through all of them again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)


def _end_with_supervisor() -> None:
    """A worker whose supervisor was killed ends politely too: left alone it would keep the port."""
    supervisor = multiprocessing.parent_process()
    if supervisor is None:
        return
    loop = asyncio.get_running_loop()

    def end(gone: int) -> None:
        loop.remove_reader(gone)
        logger.error("the supervisor is gone, so this worker ends")
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(supervisor.sentinel, end, supervisor.sentinel)


class App:
    """The receiver that reads its settings (unless they are given) and opens its journal when the server starts it.

    Until then, and under a server that does not start its applications, every request is answered with 500.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings
        self._app: ASGIApp = _not_started
        self._event: ASGIApp = _not_started

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        # A delivery needs nothing of the layers around the pages; passing through them costs it a quarter of its time.
        elif scope["path"] == EVENT_PATH and scope.get("method") == "POST":
            await self._event(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            try:
                _log_beside_uvicorn()
                keep_private()
                app = create_app(self._settings or Settings.load())
                await stack.enter_async_context(app.router.lifespan_context(app))
            except WarehouseError as error:
                sys.stderr.write(f"Error: {error.message}\nTry: {error.hint}\n")
                await send({"type": "lifespan.startup.failed", "message": ""})
                return
            except BaseException:
                # Otherwise uvicorn takes it that this application has no startup, and serves it.
                await send({"type": "lifespan.startup.failed", "message": traceback.format_exc()})
                raise
            self._app, self._event = app, app.state.event
            # Our HTTP protocol gives it plain deliveries, and counts what it refuses before there is a request.
            scope.get("state", {}).update({STATE: app.state.metrics, ENDPOINT: app.state.event})
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


async def _not_started(scope: Scope, _: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await NOT_STORED.send(send)


def _log_beside_uvicorn() -> None:
    """Where nobody has configured logging, write to where uvicorn writes."""
    ours, uvicorns = logging.getLogger("receiver"), logging.getLogger("uvicorn")
    if not ours.hasHandlers():
        ours.handlers = uvicorns.handlers
        ours.setLevel(uvicorns.level)


app = App()
