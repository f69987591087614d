"""Takes the picture of the dashboard in docs/images: `.venv/bin/python -m tests.dashboard.dashboard_image`."""

import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.chromium import chromium
from tests.dashboard.test_dashboard import PATIENCE_MS, serving
from tests.live import ROOT
from warehouse import refresh, replay, simulate
from warehouse.simulator import write_ndjson

IMAGE = ROOT / "docs" / "images" / "dashboard.png"


def main() -> None:
    """Forty days of a retailer, the page of its sales, with nothing of this machine on it."""
    with tempfile.TemporaryDirectory() as folder:
        home, file = Path(folder) / "home", Path(folder) / "events.ndjson"
        write_ndjson(simulate(events=12_000, days=40, bad=0.005), file)
        replay([file], home)
        refresh(home)
        with serving(home) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1300, "height": 900}, color_scheme="light")
            page.goto(address)
            expect(page.get_by_test_id("stMetric").first).to_be_visible(timeout=PATIENCE_MS)
            expect(page.locator("svg .role-axis-label").first).to_be_visible(timeout=PATIENCE_MS)
            page.wait_for_timeout(1500)
            page.screenshot(path=IMAGE)
            browser.close()


if __name__ == "__main__":
    main()
