"""Takes the picture of the dashboard in docs/images: `.venv/bin/python -m tests.dashboard.dashboard_image`."""

import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.chromium import chromium
from tests.dashboard.browsing import PATIENCE_MS, serving
from tests.live import ROOT
from warehouse import refresh, replay
from warehouse.reference.kinds import KINDS
from warehouse.reference.load import load_reference
from warehouse.settings import Settings
from warehouse.simulator import simulate, write_ndjson

IMAGE = ROOT / "docs" / "images" / "dashboard.png"


def main() -> None:
    """Forty days of a retailer, the close of its month, with nothing of this machine on it."""
    with tempfile.TemporaryDirectory() as folder:
        home, file = Path(folder) / "home", Path(folder) / "events.ndjson"
        simulation = simulate(events=12_000, days=40, bad=0.005, with_reference=True)
        write_ndjson(simulation, file)
        replay([file], home)
        for kind, path in simulation.write_reference(Path(folder) / "reference"):
            load_reference(Settings.load(home=str(home)), KINDS[kind], path)
        refresh(home)
        with serving(home) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1300, "height": 900}, color_scheme="light")
            page.goto(f"{address}/month-close")
            expect(page.get_by_text("All figures are of one moment")).to_be_visible(timeout=PATIENCE_MS)
            page.wait_for_timeout(1500)
            page.screenshot(path=IMAGE)
            browser.close()


if __name__ == "__main__":
    main()
