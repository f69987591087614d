import json

from click.testing import CliRunner

from warehouse.api_keys import hash_key
from warehouse.cli.keys import keys
from warehouse.errors import SettingsError
from warehouse.settings import Settings


def test_a_new_key_opens_what_its_stored_form_was_put_into() -> None:
    made = json.loads(CliRunner().invoke(keys, ["new", "--json"]).output)
    assert made["stored"] == hash_key(made["key"])
    assert len(made["key"]) >= 43
    assert Settings(api_keys=(made["stored"],)).live_keys() == Settings(api_keys=(made["key"],)).live_keys()
    assert json.loads(CliRunner().invoke(keys, ["new", "--json"]).output)["key"] != made["key"]


def test_the_form_of_a_key_is_read_from_standard_input() -> None:
    assert CliRunner().invoke(keys, ["hash"], input="a-long-key\n").output == f"{hash_key('a-long-key')}\n"
    for nothing in ("", "\n", f"{hash_key('a-long-key')}\n"):
        assert CliRunner().invoke(keys, ["hash"], input=nothing).exit_code == 2
    assert isinstance(CliRunner().invoke(keys, ["hash"], input="short\n").exception, SettingsError)
