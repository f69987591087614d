"""The one place that reads settings: environment, then `warehouse.toml`, then the defaults written here.

A value that cannot be used stops the start with the setting's name, the value and what would be right. Every path is
absolute from here on: dbt changes the working directory, and a child process may begin in another one.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from warehouse.api_keys import as_hashed, read_keys_file
from warehouse.errors import SettingsError

PREFIX = "WAREHOUSE_"
SIZE_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
DURATION_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Of these a person sets the text, a number with its unit; it becomes a number of bytes or seconds before the types are
# checked. By itself 24 may be meant in hours and be taken as seconds.
SIZES = {"max_body", "queue_bytes", "journal_size", "memory", "reserve"}
DURATIONS = {"journal_age", "journal_keep", "snapshots_keep"}
# Where settings come from is not itself a setting.
SOURCES = {"config"}
KEYS = {"api_keys", "status_keys"}
PATHS = ("home", "api_keys_file", "catalog", "data_path")
# The variables that give away a key, or where the keys are.
KEY_VARIABLES = {f"{PREFIX}{field.upper()}" for field in (*KEYS, "api_keys_file")}


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set, what it is for and its default. Sizes are bytes, durations are seconds; paths become
    absolute."""

    home: Annotated[Path, Meta(description="Folder of the journal, the lake and the build database")] = Path("data")
    api_keys: Annotated[
        tuple[str, ...],
        Meta(description="Keys NewStore may show, or their `sha256:` forms, commas between"),
    ] = ()
    api_keys_file: Annotated[
        Path | None, Meta(description="File of more such keys, one a line; a change in it counts without a restart")
    ] = None
    status_keys: Annotated[
        tuple[str, ...], Meta(description="Keys that open the status page and deliver nothing, commas between")
    ] = ()
    host: Annotated[str, Meta(description="Address the receiver listens on")] = "127.0.0.1"
    port: Annotated[int, Meta(description="Port the receiver listens on; 0 takes a free one")] = 8080
    workers: Annotated[int, Meta(description="Processes of the receiver")] = 1
    max_body: Annotated[int, Meta(description="Largest body that is taken; a larger one is answered 413")] = 64 * 2**20
    queue_bytes: Annotated[
        int, Meta(description="Bodies that may wait for the disk in one process; beyond that it answers 429")
    ] = 64 * 2**20
    memory: Annotated[int, Meta(description="Memory a refresh or a query may take before it uses the disk")] = 4 * 10**9
    journal_size: Annotated[int, Meta(description="A journal this large is followed by a new one")] = 256 * 2**20
    journal_age: Annotated[int, Meta(description="A journal this old is followed by a new one")] = 3600
    journal_keep: Annotated[int, Meta(description="How long a sealed journal is kept before it is deleted")] = 24 * 3600
    reserve: Annotated[
        int, Meta(description="Room on the disk that the receiver leaves for sealing, which makes room")
    ] = 64 * 2**20
    snapshots_keep: Annotated[int, Meta(description="How far back earlier moments of the lake can be read")] = 7 * 86400
    catalog: Annotated[str | None, Meta(description="The lake's catalog, when not `<home>/lake/catalog.sqlite`")] = None
    data_path: Annotated[str | None, Meta(description="Folder of the lake's files, when not `<home>/lake/data`")] = None

    def __post_init__(self) -> None:
        for field in PATHS:
            msgspec.structs.force_setattr(self, field, _absolute(getattr(self, field)))
        checks = {
            "port": (0 <= self.port <= 65535, self.port, "a port from 0 to 65535"),
            "workers": (1 <= self.workers <= 256, self.workers, "a number of processes from 1 to 256"),
            "max_body": (self.max_body >= 1024, self.max_body, "at least 1KiB"),
            "queue_bytes": (self.queue_bytes >= 1024, self.queue_bytes, "at least 1KiB"),
            "memory": (self.memory >= 256 * 10**6, self.memory, "at least 256MB"),
            "journal_size": (self.journal_size >= 2**20, self.journal_size, "at least 1MiB"),
            "journal_age": (self.journal_age >= 1, self.journal_age, "a duration such as 1h"),
            "journal_keep": (self.journal_keep >= 0, self.journal_keep, "a duration such as 24h"),
            "reserve": (self.reserve >= 2**20, self.reserve, "at least 1MiB"),
            "snapshots_keep": (self.snapshots_keep >= 0, self.snapshots_keep, "a duration such as 7d"),
        }
        for field, (right, value, wanted) in checks.items():
            if not right:
                raise _wrong(field, value, f"set it to {wanted}")

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **overrides: object) -> "Settings":
        """Read settings; `overrides` (from a command line) win over the environment, that over `warehouse.toml`.

        An override that is a number is of bytes or seconds, as in `Settings` itself; in text, and in the file, each
        size and duration has its unit. Raises SettingsError naming the setting that is wrong.
        """
        environ = os.environ if environ is None else environ
        values = _from_file(environ)
        values.update(_from_environment(environ))
        given = {name: value for name, value in overrides.items() if value is not None}
        values.update(given)
        for fields, units, wanted in (
            (SIZES, SIZE_UNITS, "a size with its unit, such as 64MiB"),
            (DURATIONS, DURATION_UNITS, "a duration with its unit, such as 24h"),
        ):
            for field in fields & values.keys():
                if not isinstance(given.get(field), int):
                    values[field] = _parse_quantity(field, values[field], units, wanted)
        try:
            return msgspec.convert(values, cls, strict=False, dec_hook=_convert_path)
        except msgspec.ValidationError as error:
            field = re.sub(r".*`\$\.?(\w*).*", r"\1", str(error).replace("\n", " "))
            # A key is a secret: its value never reaches a message.
            value = "(not shown)" if field in KEYS else values.get(field)
            raise _wrong(field, value, str(error)) from error

    def to_environ(self) -> dict[str, str]:
        """These settings as environment variables, for a child process to load; of keys it holds digests only."""
        hashed = self.hashed()
        values = {field: getattr(hashed, field) for field in self.__struct_fields__}
        for field in KEYS:
            values[field] = ",".join(values[field])
        values |= {field: f"{values[field]}B" for field in SIZES} | {field: f"{values[field]}s" for field in DURATIONS}
        return {f"{PREFIX}{field.upper()}": str(value) for field, value in values.items() if value is not None}

    def __repr__(self) -> str:
        shown = {f: getattr(self, f) for f in self.__struct_fields__}
        shown |= {f: f"{len(shown[f])} set" for f in KEYS}
        return f"Settings({', '.join(f'{f}={v!r}' for f, v in shown.items())})"

    def hashed(self) -> "Settings":
        """The same with the stored forms of all keys. Raises SettingsError for a stored form that is not whole."""
        return msgspec.structs.replace(self, **{field: tuple(map(as_hashed, getattr(self, field))) for field in KEYS})

    def live_keys(self) -> tuple[str, ...]:
        """The stored forms of all keys that open the receiver, those of the keys file as it is at this moment.

        Raises SettingsError when that file cannot be read or holds what is no key.
        """
        in_file = read_keys_file(self.api_keys_file) if self.api_keys_file else ()
        return tuple(dict.fromkeys(map(as_hashed, (*self.api_keys, *in_file))))

    @property
    def memory_limit(self) -> str:
        """DuckDB's part of `memory`, in its words; a quarter is left to Python and to what DuckDB does not count."""
        return f"{self.memory * 3 // 4}B"

    @property
    def journal_dir(self) -> Path:
        """Folder of the receiver's fsynced files."""
        return self.home / "journal"

    @property
    def lake_dir(self) -> Path:
        """Folder of the lake's catalog and, unless `data_path` says otherwise, its Parquet files."""
        return self.home / "lake"

    @property
    def build_path(self) -> Path:
        """dbt's private working database."""
        return self.home / "build.duckdb"

    @property
    def write_lock(self) -> Path:
        """Held by whoever writes to the lake: sealing, publishing, maintenance. Homes that share a catalog share it."""
        return Path(f"{self.catalog}.lock") if self.catalog else self.home / "write.lock"

    @property
    def up_lock(self) -> Path:
        """Held by the `warehouse up` of this home."""
        return self.home / "up.lock"

    @property
    def refresh_lock(self) -> Path:
        """Held for a whole refresh of this home."""
        return self.home / "refresh.lock"


def _from_file(environ: Mapping[str, str]) -> dict[str, Any]:
    named = environ.get(f"{PREFIX}CONFIG")
    path = Path(named or "warehouse.toml")
    if not named and not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot be read: {error.strerror}.", "name a file that exists", where=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"not a TOML file: {error}.", "correct that line", where=path) from error
    for name in values.keys() - set(Settings.__struct_fields__) - SOURCES:
        raise SettingsError(f"there is no setting `{name}`.", _did_you_mean(name, lambda known: known), where=path)
    return values


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, value in environ.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or name == "config":
            continue
        if name in Settings.__struct_fields__ or name in SOURCES:
            values[name] = value
        # Other products may own a variable that starts like ours; one that is nearly ours is a slip.
        elif difflib.get_close_matches(name, Settings.__struct_fields__, n=1, cutoff=0.75):
            hint = _did_you_mean(name, lambda known: f"{PREFIX}{known.upper()}")
            raise SettingsError("there is no such setting.", hint, where=variable)
    for field in KEYS & values.keys():
        values[field] = split_keys(values[field])
    return values


def split_keys(value: str) -> list[str]:
    """The keys in a variable of the environment."""
    return [key.strip() for key in value.split(",") if key.strip()]


def _parse_quantity(field: str, value: object, units: Mapping[str, int], wanted: str) -> int:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", str(value))
    factor = match and next((n for unit, n in units.items() if unit.lower() == match[2].lower()), None)
    if not match or factor is None:
        raise _wrong(field, value, f"set it to {wanted}")
    return int(float(match[1]) * factor)


def _absolute(place: Path | str | None) -> Path | str | None:
    """The same place from any working directory; what is an address (`s3://…`, `postgres:…`) stays as it is."""
    if place is None or (isinstance(place, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", place)):
        return place
    return type(place)(Path(place).resolve())


def _convert_path(wanted: type, value: object) -> Path:
    if wanted is Path and isinstance(value, str | Path) and str(value):
        return Path(value)
    raise ValueError("expected a path")


def _did_you_mean(name: str, spell: Callable[[str], str]) -> str:
    near = difflib.get_close_matches(name, Settings.__struct_fields__, n=1, cutoff=0.5)
    if near:
        return f"did you mean `{spell(near[0])}`?"
    return "one of " + ", ".join(spell(field) for field in Settings.__struct_fields__)


def _wrong(field: str, value: object, hint: str) -> SettingsError:
    return SettingsError(f"{PREFIX}{field.upper()}={value}: this value cannot be used.", hint)
