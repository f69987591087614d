"""After an erasure nothing of the person is in any byte of the home, and every fact is as it was but for them."""

import shutil
from pathlib import Path

import pytest

from tests.erased_home import CUSTOMER, EMAIL, make_home, remains
from warehouse.care.verify import verify
from warehouse.erasure.person import Wanted
from warehouse.erasure.run import erase, preview
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("erased") / "home").home


@pytest.fixture
def copied(shop: Path, settings: Settings) -> Settings:
    shutil.copytree(shop, settings.home)
    return settings


def test_nothing_of_the_person_is_left(copied: Settings) -> None:
    assert remains(copied)
    print(preview(copied, Wanted("customer", CUSTOMER)))
    report = erase(copied, Wanted("customer", CUSTOMER))
    print(report)
    assert remains(copied) == []
    assert verify(copied).findings == ()
