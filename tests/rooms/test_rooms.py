"""The rooms hold: imports go one way, and every module has tests that a reader finds."""

import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COVERED_BY: dict[str, str] = tomllib.loads((Path(__file__).parent / "covered_by.toml").read_text())


def modules() -> list[Path]:
    """All modules that do something: of packages, those whose `__init__` is more than a line of text."""
    found = [path for package in ("warehouse", "receiver") for path in (ROOT / package).rglob("*.py")]
    return sorted(path.relative_to(ROOT) for path in found if path.name != "__init__.py")


def mirror(module: Path) -> Path:
    """Where the tests of a module are looked for first."""
    package, *rooms = module.parent.parts
    folder = Path("cli") if [package, *rooms] == ["warehouse", "cli"] else Path(package, *rooms)
    return Path("tests") / folder / f"test_{module.stem}.py"


def dotted(module: Path) -> str:
    return ".".join(module.with_suffix("").parts)


@pytest.mark.parametrize("module", modules(), ids=dotted)
def test_a_module_has_tests_of_its_name_or_is_on_the_list(module: Path) -> None:
    listed = [test for pattern, test in COVERED_BY.items() if fnmatch(dotted(module), pattern)]
    if not (ROOT / mirror(module)).is_file():
        assert len(listed) == 1, f"write {mirror(module)}, or say in covered_by.toml whose tests exercise {module}"


@pytest.mark.parametrize("pattern", COVERED_BY)
def test_the_list_says_nothing_that_is_not_so(pattern: str) -> None:
    assert (ROOT / COVERED_BY[pattern]).is_file()
    named = [module for module in modules() if fnmatch(dotted(module), pattern)]
    assert named, "no such module"
    assert any(not (ROOT / mirror(module)).is_file() for module in named), "it has tests of its name"


def lint_imports(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("module", "forbidden", "contract"),
    [
        ("warehouse/journal/record.py", "warehouse.log.sealer", "The rooms of warehouse/ import one way"),
        ("warehouse/system/disk.py", "warehouse.lake.connection", "The rooms of warehouse/ import one way"),
        ("receiver/answers.py", "receiver.intake.endpoint", "The rooms of receiver/ import one way"),
        ("receiver/app.py", "warehouse.lake.connection", "What acknowledges an event knows nothing of DuckDB"),
        ("warehouse/log/sealer.py", "receiver.answers", "Only commands know the receiver"),
    ],
)
def test_an_import_that_is_not_allowed_is_found(tmp_path: Path, module: str, forbidden: str, contract: str) -> None:
    for package in ("warehouse", "receiver"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a") as stream:
        # Also where it is imported late.
        stream.write(f"\n\ndef late() -> None:\n    import {forbidden}\n")
    found = lint_imports(tmp_path)
    assert found.returncode == 1, found.stdout
    (line,) = [line for line in found.stdout.splitlines() if line.startswith(contract)][:1]
    assert line.endswith("BROKEN")
