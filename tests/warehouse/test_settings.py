"""Settings come from one place, and a wrong one names itself."""

from pathlib import Path

import pytest

from warehouse.api_keys import hash_key
from warehouse.errors import SettingsError
from warehouse.settings import DURATIONS, SIZES, Settings


def test_defaults_need_nothing() -> None:
    settings = Settings.load({})
    assert settings.home == Path.cwd() / "data"
    assert settings.journal_dir == Path.cwd() / "data" / "journal"
    assert settings.max_body == 64 * 1024 * 1024


def test_environment_gives_typed_values() -> None:
    settings = Settings.load(
        {
            "WAREHOUSE_HOME": "/srv/warehouse",
            "WAREHOUSE_API_KEYS": "first, second,",
            "WAREHOUSE_PORT": "9000",
            "WAREHOUSE_MAX_BODY": "1.5MiB",
            "WAREHOUSE_JOURNAL_KEEP": "2d",
        }
    )
    assert settings.home == Path("/srv/warehouse")
    assert settings.api_keys == ("first", "second")
    assert settings.port == 9000
    assert settings.max_body == 3 * 2**19
    assert settings.journal_keep == 2 * 86400


def test_overrides_win_over_environment_and_environment_over_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "warehouse.toml").write_text('port = 1\nhost = "file"\nworkers = 3\n')
    settings = Settings.load({"WAREHOUSE_PORT": "2", "WAREHOUSE_HOST": "environment"}, port=4, workers=None)
    assert (settings.port, settings.host, settings.workers) == (4, "environment", 3)


def test_keys_come_from_a_file_as_well_plain_or_hashed(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"# the one before\nkey-number-one\n\n key-number-two \n{hash_key('three')}\n")
    settings = Settings.load(
        {"WAREHOUSE_API_KEYS_FILE": str(keys), "WAREHOUSE_API_KEYS": "key-number-zero,key-number-one"}
    )
    assert settings.live_keys() == tuple(
        map(hash_key, ("key-number-zero", "key-number-one", "key-number-two", "three"))
    )
    keys.write_text("key-number-four")
    assert settings.live_keys() == tuple(map(hash_key, ("key-number-zero", "key-number-one", "key-number-four")))


@pytest.mark.parametrize("content", [None, b"\xff\xfekey", b"sha256:abc\n"])
def test_a_keys_file_that_is_none_says_so_and_shows_nothing_of_it(tmp_path: Path, content: bytes | None) -> None:
    keys = tmp_path / "keys"
    if content is not None:
        keys.write_bytes(content)
    with pytest.raises(SettingsError) as raised:
        Settings(api_keys_file=keys).live_keys()
    assert "abc" not in str(raised.value)
    assert "xff" not in str(raised.value)


def test_a_child_process_gets_no_key(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, api_keys=("secret-1",), status_keys=("secret-2",))
    environ = settings.to_environ()
    assert not [value for value in environ.values() if "secret" in value]
    assert Settings.load(environ).live_keys() == settings.live_keys()


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"WAREHOUSE_PORT": "many"}, ["WAREHOUSE_PORT", "many", "int"]),
        ({"WAREHOUSE_PORT": "70000"}, ["WAREHOUSE_PORT", "70000", "65535"]),
        ({"WAREHOUSE_MAX_BODY": "64XB"}, ["WAREHOUSE_MAX_BODY", "64XB", "64MiB"]),
        ({"WAREHOUSE_JOURNAL_KEEP": "-1h"}, ["WAREHOUSE_JOURNAL_KEEP", "-1h", "24h"]),
        ({"WAREHOUSE_JOURNAL_KEEP": "24"}, ["WAREHOUSE_JOURNAL_KEEP", "24", "with its unit"]),
        ({"WAREHOUSE_JOURNAL_KEEP": "0"}, ["WAREHOUSE_JOURNAL_KEEP", "with its unit"]),
        ({"WAREHOUSE_MEMORY": "4"}, ["WAREHOUSE_MEMORY", "4", "with its unit"]),
        ({"WAREHOUSE_WORKERS": "0"}, ["WAREHOUSE_WORKERS", "from 1"]),
        ({"WAREHOUSE_PROT": "80"}, ["WAREHOUSE_PROT", "WAREHOUSE_PORT"]),
        ({"WAREHOUSE_CONFIG": "/nowhere/warehouse.toml"}, ["/nowhere/warehouse.toml"]),
    ],
)
def test_a_wrong_setting_names_itself(environ: dict[str, str], names: list[str]) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.load(environ)
    for name in names:
        assert name in str(raised.value)


def test_an_unknown_setting_in_the_file_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "warehouse.toml").write_text("ports = 1\n")
    with pytest.raises(SettingsError, match="`ports`") as raised:
        Settings.load({})
    assert "`port`" in raised.value.hint


@pytest.mark.parametrize("line", ["journal_keep = 24", "memory = 4000000000", 'max_body = "67108864"'])
def test_a_quantity_in_the_file_has_its_unit_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "warehouse.toml").write_text(f"{line}\n")
    with pytest.raises(SettingsError, match="with its unit"):
        Settings.load({})


@pytest.mark.parametrize("field", sorted(SIZES | DURATIONS))
def test_no_quantity_goes_without_its_unit(field: str) -> None:
    number = getattr(Settings(), field)
    for unit in ("B",) if field in SIZES else ("s",):
        settings = Settings.load({f"WAREHOUSE_{field.upper()}": f"{number}{unit}"})
        assert getattr(settings, field) == number
    with pytest.raises(SettingsError, match="with its unit"):
        Settings.load({f"WAREHOUSE_{field.upper()}": str(number)})
    with pytest.raises(SettingsError, match="with its unit"):
        Settings.load({}, **{field: str(number)})
    # A program's own numbers are of bytes and seconds.
    assert getattr(Settings.load({}, **{field: number}), field) == number


def test_paths_are_absolute_wherever_the_process_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"WAREHOUSE_HOME": "a/../home", "WAREHOUSE_API_KEYS_FILE": "keys"}
    settings = Settings.load(environ, catalog="shared/catalog.sqlite", data_path="s3://bucket/lake")
    monkeypatch.chdir("/")
    assert settings.home == tmp_path / "home"
    assert settings.api_keys_file == tmp_path / "keys"
    assert settings.catalog == str(tmp_path / "shared" / "catalog.sqlite")
    assert settings.data_path == "s3://bucket/lake"
    assert Settings.load(settings.to_environ()) == settings


def test_keys_are_never_shown() -> None:
    settings = Settings.load({"WAREHOUSE_API_KEYS": "very-secret"})
    assert "very-secret" not in repr(settings)
    with pytest.raises(SettingsError) as raised:
        Settings.load({}, api_keys="very-secret")
    assert "very-secret" not in str(raised.value)


def test_settings_reach_a_child_process_whole() -> None:
    keys = f"{hash_key('a')},{hash_key('b')}"
    settings = Settings.load({"WAREHOUSE_API_KEYS": keys, "WAREHOUSE_MEMORY": "1GB", "WAREHOUSE_HOME": "/srv/home"})
    assert Settings.load(settings.to_environ()) == settings
