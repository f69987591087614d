"""Runs the receiver under uvicorn. It listens before it starts, so a port that is taken is told at once and plainly."""

import errno
import logging
import logging.config
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from receiver.app import App, require_keys
from receiver.http.connections import raise_limit
from receiver.metrics import SHARED_FOLDER
from warehouse.errors import JournalCorrupt, LockHeld, ServeError
from warehouse.journal import Journal, list_journals
from warehouse.journal.writer import process_of
from warehouse.settings import Settings
from warehouse.system.home_folder import HomeFolder
from warehouse.system.lock import hold_lock
from warehouse.system.terminal import Terminal

HANGUP: Final = {signal.SIGHUP}
# What the folders of metrics begin with, and the file in each that its supervisor holds for as long as it lives.
METRICS: Final = "metrics-"
METRICS_LOCK: Final = "lock"
# With less than this the disk is full, whatever a single small write may still achieve.
FULL_DISK: Final = 2**20
BACKLOG: Final = 2048
# Longer than the minute after which load balancers give up an idle connection: they, not we, must be the ones to close.
KEEP_ALIVE_SECONDS: Final = 75
# A supervisor usually kills after 10.
GRACE_SECONDS: Final = 8

LOGGING: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s[%(process)d] %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "receiver": {"handlers": ["stderr"], "level": "INFO"},
        "warehouse": {"handlers": ["stderr"], "level": "INFO"},
        "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}

logger = logging.getLogger(__name__)


def serve(settings: Settings) -> int:
    """Receive until SIGTERM or SIGINT; the exit code: 0, or 1 when a worker could not start and has said why.

    Raises SettingsError or ServeError when it cannot even begin.
    """
    settings = _without_keys(settings)
    require_keys(settings)
    raise_limit()
    with _hangups_wait(), _listen(settings.host, settings.port) as listener:
        logging.config.dictConfig(LOGGING)
        host, port = listener.getsockname()[:2]
        logger.info(
            "listening on http://%s:%d home=%s keys=%d workers=%d",
            f"[{host}]" if ":" in host else host,
            port,
            settings.home.resolve(),
            len(settings.live_keys()),
            settings.workers,
        )
        home = HomeFolder(settings.home)
        _say_who_else_receives(settings)
        if settings.workers == 1:
            return _serve_here(settings, listener)
        return _serve_workers(settings, home, listener)


def _say_who_else_receives(settings: Settings) -> None:
    """Several receivers may share a home; but whoever starts one should know of the others."""
    live = [path for path in list_journals(settings.journal_dir) if _is_live(path)]
    for process in dict.fromkeys(process_of(path) for path in live):
        logger.warning("process %s also receives into this home; each has journals of its own", process)


def _is_live(path: Path) -> bool:
    try:
        with Journal(path) as journal:
            return journal.live
    except (OSError, JournalCorrupt):
        # Sealed and deleted just now, or not readable: whoever seals speaks of it.
        return False


def _without_keys(settings: Settings) -> Settings:
    """These settings with digests in place of keys, which are in no variable of this process from here on."""
    settings = settings.hashed()
    os.environ.update({name: value for name, value in settings.to_environ().items() if name in os.environ})
    return settings


def _serve_here(settings: Settings, listener: socket.socket) -> int:
    server = uvicorn.Server(_config(App(settings)))

    def stop() -> None:
        server.should_exit = True

    with _on_signal(stop):
        try:
            server.run(sockets=[listener])
        except SystemExit:
            return 1
    return 0 if server.started else 1


def _serve_workers(settings: Settings, home: HomeFolder, listener: socket.socket) -> int:
    """Each worker reads its settings from the environment, and writes its metrics where the others find them."""
    listener.set_inheritable(True)
    with _metrics_folder(settings) as folder:
        os.environ.update(settings.to_environ(), **home.for_children(), **{SHARED_FOLDER: folder})
        supervisor = _Supervisor(_config("receiver.app:app", settings.workers), sockets=[listener])
        supervisor.run()
    return 1 if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes) else 0


class _Supervisor(Multiprocess):
    """uvicorn's, which replaces the workers at a SIGHUP; ours read their keys again and go on.

    A worker begins with SIGHUP blocked, as it is here while it is started, and lets one come when it can act on it.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        # Before uvicorn handles the signals: one that `nohup` ignores says so.
        self._terminal = Terminal()
        super().__init__(config, sockets)

    def init_processes(self) -> None:
        super().init_processes()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANGUP)

    def keep_subprocess_alive(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, HANGUP)
        super().keep_subprocess_alive()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANGUP)

    def handle_hup(self) -> None:
        if self._terminal.is_gone():
            logger.info("the terminal was closed")
            self.should_exit.set()
            return
        for process in self.processes:
            if process.pid is not None and process.exitcode is None:
                os.kill(process.pid, signal.SIGHUP)


def _config(app: App | str, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        workers=workers,
        http="receiver.http.deadlines:DeadlineProtocol",
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_config=LOGGING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ServeError that names the port."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise ServeError(f"no such address: {error.strerror}.", "choose another --host", where=host) from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _refused(host, port, error) from error
    return listener


def _refused(host: str, port: int, error: OSError) -> ServeError:
    if error.errno == errno.EADDRINUSE:
        return ServeError(f"Port {port} on {host} is taken.", "stop what listens there, or choose another --port")
    if error.errno == errno.EACCES:
        return ServeError(f"Port {port} may not be used by this user.", "choose a --port from 1024 up")
    return ServeError(f"Cannot listen on {host}, port {port}: {error.strerror}.", "choose another --host or --port")


@contextmanager
def _metrics_folder(settings: Settings) -> Iterator[str]:
    """A fresh folder under the home for as long as the workers live; what the dead left goes. Raises ServeError."""
    try:
        if shutil.disk_usage(settings.home).free < FULL_DISK:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        _remove_left_metrics(settings.home)
        folder = tempfile.TemporaryDirectory(prefix=METRICS, dir=settings.home.resolve())
    except OSError as error:
        raise ServeError(
            f"cannot be written: {error.strerror}.", "choose another --home, or free it", where=settings.home
        ) from error
    with folder as path, hold_lock(unnamed := Path(path) / f"{METRICS_LOCK}.new"):
        # Under its name it is held already: whoever starts beside us does not take us for dead.
        unnamed.rename(unnamed.with_name(METRICS_LOCK))
        yield path


def _remove_left_metrics(home: Path) -> None:
    """Remove the folders of supervisors that were killed: whoever lives holds the lock in its own."""
    for lock in home.glob(f"{METRICS}*/{METRICS_LOCK}"):
        with suppress(LockHeld, FileNotFoundError), hold_lock(lock):
            # What cannot be removed now is left to the next start.
            shutil.rmtree(lock.parent, ignore_errors=True)


@contextmanager
def _hangups_wait() -> Iterator[None]:
    """Let SIGHUPs wait until somebody can act on one, and unblocks them; none ends this process at its start or end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HANGUP)
    try:
        yield
    except BaseException:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        raise


@contextmanager
def _on_signal(stop: Callable[[], None]) -> Iterator[None]:
    """uvicorn sends itself once more the signal that stopped it; that must not end the process with an error."""

    def handle(_signal: int, _frame: FrameType | None) -> None:
        stop()

    signals = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, handle) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
