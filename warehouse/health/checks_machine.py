"""What a diagnosis says of the machine: settings, keys, disk, receiver."""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from warehouse.api_keys import is_hashed, read_keys_file
from warehouse.health.finding import Finding, State
from warehouse.settings import Settings
from warehouse.system.disk import sync_file

LITTLE_ROOM_BYTES: Final = 10 * 10**9
NO_ROOM_BYTES: Final = 10**9
SLOW_SYNC_SECONDS: Final = 0.02
SYNCS: Final = 11
ANSWER_SECONDS: Final = 3.0
SHORT_KEY_LETTERS: Final = 16
MEMORY_FILE_SYSTEMS: Final = frozenset({"tmpfs", "ramfs"})


def settings_source(settings: Settings) -> Iterator[Finding]:
    """Where the settings came from."""
    file = os.environ.get("WAREHOUSE_CONFIG") or "warehouse.toml"
    source = f"from {file} and the environment" if Path(file).is_file() else "from the environment"
    yield Finding("settings", State.OK, f"home {settings.home.resolve()}, {source}")


def keys(settings: Settings) -> Iterator[Finding]:
    """Whether anybody may deliver, and nobody else."""
    file = settings.api_keys_file
    found = (*settings.api_keys, *(read_keys_file(file) if file is not None else ()))
    make = "`warehouse keys new` makes a good one"
    if not found:
        text = "no API key is set: queries work, `warehouse serve` does not start"
        yield Finding("keys", State.WARN, text, f"set WAREHOUSE_API_KEYS; {make}")
    elif any(len(key) < SHORT_KEY_LETTERS for key in found):
        yield Finding(
            "keys", State.WARN, f"a key is shorter than {SHORT_KEY_LETTERS} characters and can be guessed", make
        )
    else:
        yield Finding("keys", State.OK, f"{len(found)} set")
    if file is not None and file.stat().st_mode & 0o077 and not all(is_hashed(key) for key in read_keys_file(file)):
        text = f"{file}: others can read it, and it holds keys themselves"
        yield Finding("keys", State.WARN, text, f"`chmod 600 {file}`, or store what `warehouse keys hash` prints")


def privacy(settings: Settings) -> Iterator[Finding]:
    """Whether others on this machine can read what is personal in the home and in the lake."""
    # The other checks of the machine can be made without DuckDB.
    from warehouse.lake.connection import catalog_path, data_path

    places = dict.fromkeys((settings.home, catalog_path(settings).parent, data_path(settings)))
    outside = [place for place in places if place == settings.home or not place.is_relative_to(settings.home)]
    open_to = {place: place.stat().st_mode & 0o077 for place in outside if place.is_dir()}
    for place, mode in open_to.items():
        if mode:
            who = "everybody on this machine" if mode & 0o007 else "the group of this folder"
            text = f"{place}: {who} may enter, and names and addresses are in it"
            yield Finding("privacy", State.WARN, text, f"`chmod go= {place}`, unless that is meant")
    if open_to and not any(open_to.values()):
        yield Finding("privacy", State.OK, "only this user may enter the home")


def disk(settings: Settings) -> Iterator[Finding]:
    """Room, and what an fsync costs where the journals are."""
    from warehouse.lake.connection import catalog_path

    for title, folder in {"home": settings.home, "lake": catalog_path(settings).parent}.items():
        place = _existing(folder)
        if title == "lake" and place.stat().st_dev == _existing(settings.home).stat().st_dev:
            continue
        yield from _room(title, place)
    if not settings.home.is_dir():
        yield Finding("disk", State.OK, f"{settings.home}: nothing is here yet")
        return
    kind = _file_system(settings.home)
    if kind in MEMORY_FILE_SYSTEMS:
        text = f"{settings.home}: {kind} is memory; nothing on it survives the end of the machine"
        yield Finding("disk", State.WARN, text, "--home, or WAREHOUSE_HOME, on a disk")
        return
    seconds = _sync_seconds(settings.home)
    text = f"an fsync takes {seconds * 1000:.2g} ms, so a lone delivery waits about as long"
    slow = seconds > SLOW_SYNC_SECONDS
    hint = "a local SSD takes about 1 ms; a network disk or a busy one more" if slow else None
    yield Finding("disk", State.WARN if slow else State.OK, text, hint)


def receiver(settings: Settings) -> Iterator[Finding]:
    """Whether a receiver listens where the settings say, and can store deliveries."""
    everywhere = settings.host in ("", "0.0.0.0")  # noqa: S104  # read, not bound
    host = "127.0.0.1" if everywhere else settings.host
    address = f"{host}:{settings.port}"
    connection = HTTPConnection(host, settings.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/ready")
        response = connection.getresponse()
        answer = response.read(1000).decode("utf-8", "replace").strip()
    except ConnectionRefusedError:
        yield Finding("receiver", State.OK, f"nothing listens at {address}; `warehouse serve` would")
    except (OSError, HTTPException) as error:
        text = f"what listens at {address} does not answer like a receiver: {str(error) or type(error).__name__}"
        yield Finding("receiver", State.WARN, text, "another program may have this port: WAREHOUSE_PORT sets ours")
    else:
        if response.status == HTTPStatus.OK:
            yield Finding("receiver", State.OK, f"ready at {address}")
        else:
            text = f"at {address} it is not ready: {response.status} {answer}"
            yield Finding("receiver", State.WRONG, text, "do what it says; its log has more")
    finally:
        connection.close()


def _room(title: str, place: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(place).free
    text = f"{free / 1e9:,.1f} GB free for the {title}"
    state = State.WRONG if free < NO_ROOM_BYTES else State.WARN if free < LITTLE_ROOM_BYTES else State.OK
    hint = None if state is State.OK else "free space, or move the home to a larger disk: a full one answers 500"
    yield Finding("disk", state, text, hint)


def _sync_seconds(folder: Path) -> float:
    """The median of some appends with an fsync each."""
    times = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(SYNCS):
            file.write(bytes(4096))
            began = time.perf_counter()
            sync_file(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def _file_system(folder: Path) -> str | None:
    """The kind of file system that holds the folder; None where the system does not say."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    mounts = {Path(fields[1].replace("\\040", " ")): fields[2] for fields in map(str.split, lines)}
    return next((mounts[path] for path in (folder.resolve(), *folder.resolve().parents) if path in mounts), None)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
