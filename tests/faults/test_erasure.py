"""An erasure that is killed at any moment goes on when it is run again, and leaves nothing of the person."""

import os
import shutil
import signal
import subprocess
import sys
import time

from tests.erased_home import CUSTOMER, log_rows, make_home, remains
from tests.faults.conftest import Scale
from warehouse.care.verify import verify
from warehouse.personal.ledger import Ledger
from warehouse.settings import Settings

ERASE = """
import sys
from warehouse.erasure.person import Wanted
from warehouse.erasure.run import erase
from warehouse.errors import ErasureError
from warehouse.settings import Settings
settings = Settings.load({}, home=sys.argv[1])
try:
    erase(settings, Wanted("customer", sys.argv[2]))
except ErasureError as error:
    print(error)
"""


def test_an_erasure_that_is_killed_goes_on(settings: Settings, scale: Scale) -> None:
    copied = make_home(settings.home)
    chance, rounds = scale.chance(), scale.rounds(short=2, full=50)
    rows = log_rows(copied)
    whole = copied.home.with_name("whole")
    shutil.copytree(copied.home, whole)
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", ERASE, str(copied.home), CUSTOMER], check=True, timeout=600)
    seconds = time.monotonic() - began
    for _ in range(rounds):
        shutil.rmtree(copied.home)
        shutil.copytree(whole, copied.home)
        process = subprocess.Popen([sys.executable, "-c", ERASE, str(copied.home), CUSTOMER], start_new_session=True)
        time.sleep(chance.uniform(0.2, 1.0) * seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        subprocess.run([sys.executable, "-c", ERASE, str(copied.home), CUSTOMER], check=True, timeout=600)
        assert Ledger(copied).open == ()
        assert remains(copied) == []
        assert log_rows(copied) == rows
        assert verify(copied).findings == ()
    scale.tell(rounds=rounds, faults=rounds)
