"""What dbt does around its models: it opens the home's build database beside the lake, seals first, publishes last.

dbt-duckdb loads `Plugin` from the profile, so a plain `dbt run` and `warehouse refresh` do the same.
"""

import logging
from typing import Any

import msgspec
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig
from duckdb import DuckDBPyConnection

from warehouse.contract import EventContract, load_contract
from warehouse.errors import RefreshError
from warehouse.lake import attach_lake
from warehouse.publish import Mart, publish
from warehouse.sealer import seal
from warehouse.settings import Settings

logger = logging.getLogger(__name__)

# For each model in the build database: which full build its table comes from, and the last batch of the log in it.
GENERATIONS = "create table if not exists build.main.generations (model varchar, generation varchar, batch bigint)"


class Plugin(BasePlugin):
    """The hooks dbt-duckdb calls; `store` carries the commands of the macros `start_refresh` and `publish_marts`."""

    settings: Settings
    connection: DuckDBPyConnection

    def initialize(self, plugin_config: dict[str, Any]) -> None:  # noqa: ARG002 - dbt-duckdb's signature
        self.settings = Settings.load()
        self.settings.home.mkdir(parents=True, exist_ok=True)

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        creds.path = str(self.settings.build_path)
        config["memory_limit"] = f"{self.settings.memory}B"
        config["temp_directory"] = str(self.settings.home / "build.tmp")

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        self.connection = conn
        attach_lake(conn, self.settings)
        conn.execute(GENERATIONS)
        _attach_run(conn)

    def store(self, target_config: TargetConfig) -> None:
        command = target_config.config["command"]
        if command == "start":
            self.start()
        elif command == "publish":
            marts = msgspec.convert(target_config.config["marts"], list[Mart])
            publication = publish(self.connection.cursor(), self.settings, marts, target_config.config["run_id"])
            logger.info("published %s", publication)
        else:
            raise RefreshError(f"the dbt project asks for `{command}`.", "use the dbt project of this very version")

    def start(self) -> None:
        """Seal the journals, then fix the batch up to which every model of this run reads the log."""
        seal(self.settings)
        cursor = self.connection.cursor()
        cursor.execute("update run.main.position set batch = (select batch from lake.log.counter)")
        cursor.close()


def _attach_run(conn: DuckDBPyConnection) -> None:
    """Attach `run`, a database in memory that lasts as long as this dbt process: the log position, and the contract."""
    contract = load_contract()
    conn.execute("attach ':memory:' as run")
    conn.execute("create table run.main.position as select batch from lake.log.counter")
    conn.execute("create table run.main.contract (name varchar, family varchar, key_source varchar, structure varchar)")
    conn.executemany(
        "insert into run.main.contract values (?, ?, ?, ?)",
        [
            (event.name, event.family, event.key_source, contract.family_structure(event.family))
            for event in contract.events.values()
        ],
    )
    conn.execute("create table run.main.contract_fields (name varchar, path varchar, type varchar)")
    fields = [(event.name, *field) for event in contract.events.values() for field in _fields(event)]
    conn.execute(
        "insert into run.main.contract_fields select unnest(?), unnest(?), unnest(?)", list(zip(*fields, strict=True))
    )


def _fields(event: EventContract) -> list[tuple[str, str]]:
    """Every path of an event's payload and what it holds: a type of the contract file, `record` or `list`."""
    kinds: dict[str, str] = {}
    for leaf, scalar in event.leaves():
        kinds[leaf] = scalar.value
        path = leaf
        while path := path[:-2] if path.endswith("[]") else path.rpartition(".")[0]:
            kinds[path] = "list" if leaf[len(path) :].startswith("[]") else "record"
    return list(kinds.items())
