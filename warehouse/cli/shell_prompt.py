"""The prompt itself: several lines, colours, completion, and a history that only its owner can read."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import SqlLexer  # type: ignore[import-untyped]

from warehouse.cli.exit_codes import say
from warehouse.cli.shell_session import HELP, Session, is_whole, tables
from warehouse.errors import WarehouseError

KEYWORDS: Final = (
    "select from where group by order by limit having join left join inner join using on as and or not in is null "
    "between like case when then else end distinct count sum avg min max all with union except intersect over "
    "partition by filter describe summarize at interval date_trunc exists"
)


def ask(session: Session) -> None:
    """Take statements until Ctrl-D or `.exit`; what is wrong with one is said, and the next one asked for."""
    prompt: PromptSession[str] = PromptSession(
        "warehouse> ",
        history=FileHistory(str(_history())),
        auto_suggest=AutoSuggestFromHistory(),
        completer=LakeCompleter(session),
        complete_while_typing=False,
        lexer=PygmentsLexer(SqlLexer),
        multiline=Condition(lambda: not is_whole(prompt.default_buffer.text)),
        prompt_continuation=lambda width, *_: "...> ".rjust(width),
    )
    while not session.over:
        try:
            text = prompt.prompt()
            if text.strip():
                session.run(text)
        except KeyboardInterrupt:
            # At the prompt it drops what was typed, in a query it ends the query.
            click.echo("interrupted", err=True)
        except EOFError:
            return
        except WarehouseError as error:
            say(error.message, error.hint)


class LakeCompleter(Completer):
    """Completes dot commands, schemas, tables, and the columns of the tables that the statement names."""

    def __init__(self, session: Session) -> None:
        self._con = session.con.cursor()
        self._con.execute("use lake")

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """What could stand at the cursor, the most likely first."""
        del complete_event
        text = document.text_before_cursor
        if text.lstrip().startswith(".") and " " not in text.strip():
            commands = (usage.split()[0] for usage, _ in HELP)
            yield from _starting_with(text.strip(), dict.fromkeys(commands, "command"))
            return
        word = document.get_word_before_cursor(pattern=None, WORD=True).split("(")[-1].split(",")[-1]
        yield from _starting_with(word, self._candidates(document.text, word))

    def _candidates(self, statement: str, word: str) -> dict[str, str]:
        known = tables(self._con)
        schemas = {f"{schema}.": "schema" for schema, _ in known}
        names = {f"{schema}.{table}": "table" for schema, table in known}
        if "." in word:
            return names
        lowered = statement.lower()
        used = [table for _, table in known if table in lowered]
        columns = self._con.execute(
            """
            select distinct column_name
            from duckdb_columns()
            where database_name = 'lake' and table_name in (select unnest(?))
            order by all
            """,
            [used],
        ).fetchall()
        bare = {table: "table" for _, table in known}
        return {
            **{column: "column" for (column,) in columns},
            **schemas,
            **bare,
            **dict.fromkeys(KEYWORDS.split(), ""),
        }


def _starting_with(word: str, candidates: dict[str, str]) -> Iterable[Completion]:
    for candidate, kind in candidates.items():
        if candidate.lower().startswith(word.lower()) and candidate != word:
            yield Completion(candidate, start_position=-len(word), display_meta=kind)


def _history() -> Path:
    """The file of what was asked before. Queries may hold personal data: only the user may read it."""
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "warehouse"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "history"
    path.touch(mode=0o600)
    path.chmod(0o600)
    return path
