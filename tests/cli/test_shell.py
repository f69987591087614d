"""The prompt is driven through a real pseudo terminal, as a person would; a pipe runs the same statements."""

import os
import pty
import select
import signal
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from warehouse.lake.connection import open_lake
from warehouse.settings import Settings

PATIENCE_SECONDS = 60.0
WHERE_IS_THE_CURSOR = b"\x1b[6n"
# The terminal stops marking what is pasted: the line is entered, and Ctrl-C is no longer a key of the prompt.
PROMPT_IS_LEFT = "\x1b[?2004l"
CTRL_C, CTRL_D, UP = "\x03", "\x04", "\x1b[A"


class Terminal:
    """`warehouse shell` in a terminal of its own; `said` is what it wrote since the last `await_text`."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.said = ""
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.environ.update(environ)
            os.execv(sys.executable, [sys.executable, "-m", "warehouse", "shell"])

    def type(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def await_text(self, *texts: str) -> str:
        """Everything up to the moment when all texts have been seen, in their order."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._seen(texts):
            assert time.monotonic() < deadline, f"waited for {texts}, saw {self.said!r}"
            if select.select([self.descriptor], [], [], 0.2)[0]:
                data = os.read(self.descriptor, 65536)
                if WHERE_IS_THE_CURSOR in data:
                    os.write(self.descriptor, b"\x1b[1;1R")
                self.said += data.decode("utf-8", "replace")
        said, self.said = self.said, ""
        return said

    def _seen(self, texts: tuple[str, ...]) -> bool:
        at = 0
        for text in texts:
            at = self.said.find(text, at)
            if at < 0:
                return False
            at += len(text)
        return True

    def exit_code(self) -> int:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
        raise TimeoutError(f"the shell did not leave; it said {self.said!r}")

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.descriptor)


@pytest.fixture
def lake(settings: Settings) -> Settings:
    """A lake with one mart of seven orders."""
    with open_lake(settings) as con:
        con.execute("create table lake.marts.fct_orders as select range as order_id, 'x' as channel_type from range(7)")
    return settings


@pytest.fixture
def terminal(lake: Settings, tmp_path: Path) -> Iterator[Terminal]:
    """The shell at its first prompt."""
    environ = {"WAREHOUSE_HOME": str(lake.home), "XDG_STATE_HOME": str(tmp_path / "state"), "TERM": "xterm-256color"}
    opened = Terminal(environ)
    try:
        opened.await_text("Ctrl-D leaves", "warehouse>")
        yield opened
    finally:
        opened.close()


def test_a_session(terminal: Terminal, tmp_path: Path) -> None:
    # Over two lines, with a name completed.
    terminal.type("select sum(order_id) as total\r")
    terminal.await_text("...>")
    terminal.type("from marts.fct_or\t")
    terminal.await_text("ders")
    terminal.type(" where channel_t\t")
    terminal.await_text("ype")
    terminal.type(" = 'x';\r")
    terminal.await_text("total", "21", " s", "warehouse>")

    # A query that takes for ever ends, the shell does not.
    terminal.type("select count(*) from range(100000000000) a where hash(range) = 0;\r")
    terminal.await_text("hash", PROMPT_IS_LEFT)
    time.sleep(1.0)
    terminal.type(CTRL_C)
    terminal.await_text("interrupted", "warehouse>")

    terminal.type("select * from marts.fct_order;\r")
    terminal.await_text("Error:", "fct_order does not exist", "Try:", "fct_orders", "warehouse>")
    terminal.type(".tables marts\r")
    terminal.await_text("marts.fct_orders", "order of which any event is known", "warehouse>")
    terminal.type(CTRL_D)
    assert terminal.exit_code() == 0

    history = tmp_path / "state" / "warehouse" / "history"
    assert "sum(order_id)" in history.read_text()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_a_pipe_runs_the_same(run: Run, lake: Settings) -> None:
    assert lake.home.exists()
    script = (
        ".timing off\nuse marts;\nselect count(*) as orders\n  from fct_orders;\n.schema fct_orders\nselect 2 as two"
    )
    result = run("shell", stdin=script)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.split()
    assert lines[:3:2] == ["orders", "7"]
    assert "NewStore's id of the order" in result.stdout
    assert lines[-3::2] == ["two", "2"]


def test_rows_too_wide_for_the_terminal_come_one_value_a_line(terminal: Terminal) -> None:
    columns = ", ".join(f"repeat('x', 12) || order_id as column_{number}" for number in range(9))
    terminal.type(f"select {columns} from marts.fct_orders order by all limit 2;\r")
    said = terminal.await_text("column_8 = xxxxxxxxxxxx1", "warehouse>")
    assert "…" not in said
    terminal.type(".mode table\r")
    terminal.await_text("warehouse>")
    terminal.type("select order_id from marts.fct_orders order by all limit 1;\r")
    said = terminal.await_text("order_id", "0", " s", "warehouse>")
    assert "order_id =" not in said


def test_what_is_longer_than_the_terminal_goes_through_a_pager(terminal: Terminal) -> None:
    terminal.type("select 'row ' || range as text from range(300);\r")
    said = terminal.await_text("row 1 ", ":")
    assert "ESC" not in said
    assert "row 299" not in said
    terminal.type("q")
    terminal.await_text("warehouse>")
    terminal.type(".pager off\r")
    terminal.await_text("warehouse>")
    terminal.type("select 'row ' || range as text from range(300);\r")
    terminal.await_text("row 299", "warehouse>")


@pytest.mark.parametrize(
    ("ending", "start"), [("csv", b"one,two\n"), ("json", b"[\n{"), ("parquet", b"PAR1"), ("txt", b"one")]
)
def test_the_rows_of_the_last_query_are_saved(
    run: Run, lake: Settings, tmp_path: Path, ending: str, start: bytes
) -> None:
    assert lake.home.exists()
    file = tmp_path / f"the rows.{ending}"
    result = run("shell", stdin=f"select 1 as one, 2 as two;\n.save '{file}'\n")
    assert result.returncode == 0, result.stderr
    assert file.read_bytes().lstrip().startswith(start)


@pytest.mark.parametrize(
    ("script", "hint"),
    [
        ("select 1;\nselect * from marts.fct_order;\nselect 3;", "did you mean"),
        ("delete from marts.fct_orders;", "--out FILE"),
        (".nonsense", ".help lists them"),
        (".schema", ".help says how"),
        (".schema nowhere", ".tables lists them"),
        (".timing maybe", ".timing on"),
        (".mode wide", ".mode auto, or"),
        (".save", ".help says how"),
        (".save rows.csv", "ask something"),
        ("select 1;\n.save rows.doc", ".csv"),
        (".save 'rows.csv", "close it"),
    ],
)
def test_a_pipe_stops_at_what_is_wrong(run: Run, lake: Settings, script: str, hint: str) -> None:
    assert lake.home.exists()
    result = run("shell", stdin=script)
    assert result.returncode == 1
    errors = [line for line in result.stderr.splitlines() if not line.endswith(" s")]
    assert [line.partition(":")[0] for line in errors] == ["Error", "Try"]
    assert hint in errors[1]
    assert "3" not in result.stdout
