"""What a person names as an output is replaced only if it is a regular file, and only by a whole one."""

import stat
from pathlib import Path

import pytest

from warehouse.system.whole_file import whole_file


def write_half(file: Path) -> None:
    with whole_file(file) as stream:
        stream.write(b"half")
        raise OSError("half way")


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    file.write_bytes(b"before")
    with pytest.raises(OSError, match="half way"):
        write_half(file)
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]
    assert file.read_bytes() == b"before"


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "there" / "rows", tmp_path / "link"
    target.parent.mkdir()
    target.write_bytes(b"before")
    target.chmod(0o640)
    link.symlink_to(target)
    with whole_file(link) as stream:
        stream.write(b"after")
    assert link.is_symlink()
    assert target.read_bytes() == b"after"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_link_to_nothing_makes_the_file_it_names(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "rows")
    with whole_file(link) as stream:
        stream.write(b"new")
    assert (tmp_path / "rows").read_bytes() == b"new"
    assert link.is_symlink()


def test_a_loop_of_links_is_an_error_and_stays(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(OSError, match="symbolic links"), whole_file(loop):
        pass
    assert loop.is_symlink()


def test_a_device_is_written_to(tmp_path: Path) -> None:
    link = tmp_path / "nothing"
    link.symlink_to("/dev/null")
    for path in (Path("/dev/null"), link):
        with whole_file(path) as stream:
            stream.write(b"gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert link.is_symlink()
