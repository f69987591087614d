"""The analysts' page in a real browser: it loads from this machine alone, and its figures are those of the lake."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.chromium import chromium
from tests.live import ROOT, free_port
from tests.shop import make_shop
from warehouse import connect

# Two refreshes, a server and a browser share one processor with the other tests.
pytestmark = pytest.mark.timeout(600)

START_SECONDS = 120.0
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shop(tmp_path_factory.mktemp("dashboard") / "home")


@pytest.fixture(scope="module")
def address(shop: Path) -> Iterator[str]:
    """Where `warehouse dashboard` serves the shop."""
    with serving(shop) as address:
        yield address


@contextmanager
def serving(shop: Path) -> Iterator[str]:
    """`warehouse dashboard` over that home, until it is not needed any more."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "warehouse", "--home", str(shop), "dashboard", "--port", str(port)],
        env={**inherited, "PYTHONPATH": str(ROOT)},
        cwd=shop.parent,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
                    assert answer.status == 200
                break
            except (URLError, ConnectionError):
                assert process.poll() is None, "the dashboard ended"
                assert time.monotonic() < deadline, "the dashboard did not start"
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def page(address: str, browser: Browser) -> Iterator[Page]:
    """The page, once its figures are there."""
    opened = browser.new_page(viewport={"width": 1400, "height": 1000})
    opened.set_default_timeout(PATIENCE_MS)
    urls: list[str] = []
    wrong: list[str] = []
    opened.on("request", lambda request: urls.append(request.url))
    opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(address)
    expect(figure(opened, "Orders")).to_be_visible()
    yield opened
    hosts = {urlsplit(url).netloc for url in urls if not url.startswith(("data:", "blob:"))}
    opened.close()
    assert hosts == {urlsplit(address).netloc}, "the page asked another machine for something"
    assert wrong == []


def figure(page: Page, name: str) -> Locator:
    """The value under a name, on the tab that is open."""
    metric = page.get_by_test_id("stMetric").filter(has=page.get_by_text(name, exact=True))
    return metric.get_by_test_id("stMetricValue")


def asked(shop: Path, query: str) -> tuple[Any, ...]:
    with connect(shop) as con:
        (row,) = con.execute(query).fetchall()
    return tuple(row)


def test_the_figures_are_those_of_the_lake(page: Page, shop: Path) -> None:
    currency, net_sales, orders = asked(
        shop,
        """
        select currency, sum(net_sales), sum(orders)
        from marts.daily_sales
        group by currency
        order by sum(orders) desc, currency
        limit 1
        """,
    )
    expect(figure(page, f"Net sales ({currency})")).to_have_text(f"{net_sales:,.2f}")
    expect(figure(page, "Orders")).to_have_text(f"{orders:,}")
    page.get_by_role("tab", name="Returns").click()
    promised, requested, moved = asked(
        shop,
        f"""
        select
            (select sum(refunds) from marts.daily_sales where currency = '{currency}'),
            (select sum(amount) from marts.fct_refund_requests where currency = '{currency}'),
            (
                select sum(amount)
                from marts.fct_payment_transactions
                where transaction_type = 'refunded' and currency = '{currency}'
            )
        """,
    )
    assert promised != moved, "nothing would tell the two apart"
    expect(figure(page, f"Refunds promised ({currency})")).to_have_text(f"{promised:,.2f}")
    expect(figure(page, f"Requested ({currency})")).to_have_text(f"{requested:,.2f}")
    expect(figure(page, f"Money moved ({currency})")).to_have_text(f"{moved:,.2f}")
    page.get_by_role("tab", name="Fulfilment").click()
    (half,) = asked(
        shop,
        f"""
        select median(epoch(placed_to_completed) / 3600)
        from marts.fulfillment_times
        inner join marts.fct_orders as orders using (tenant, order_id)
        where
            orders.currency = '{currency}'
            and orders.is_sale
            and exists (
                select 1
                from marts.fct_fulfillment_requests as requests
                where requests.order_id = orders.order_id and requests.service_level != 'IN_STORE_HANDOVER'
            )
        """,
    )
    expect(figure(page, "Shipped, half within")).to_have_text(f"{half:,.1f} h")
    page.get_by_role("tab", name="Stock").click()
    (on_hand,) = asked(shop, "select sum(on_hand) from marts.fct_inventory_on_hand")
    expect(figure(page, "Units on hand")).to_have_text(f"{on_hand:,}")
    page.get_by_role("tab", name="Trust").click()
    (deliveries,) = asked(shop, "select count(*) from log.events")
    expect(figure(page, "Deliveries")).to_have_text(f"{deliveries:,}")
    # All of it is a replay: as late as it is old, and nothing to judge NewStore by.
    expect(figure(page, "Over 15 minutes late")).to_have_text("none to judge")
    (finished,) = asked(shop, "select max(snapshot_time) from lake.snapshots()")
    expect(page.get_by_text(f"All figures are of one moment, {finished:%d %B %Y, %H:%M:%S} UTC")).to_be_visible()


def test_every_tab_draws_its_charts_and_shows_no_error(page: Page) -> None:
    for name, charts in {"Sales": 1, "Fulfilment": 2, "Returns": 2, "Stock": 2, "Trust": 1}.items():
        page.get_by_role("tab", name=name).click()
        panel = page.get_by_role("tabpanel", name=name)
        expect(panel.get_by_test_id("stVegaLiteChart")).to_have_count(charts)
        expect(panel.locator("canvas, svg").first).to_be_visible()
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_every_location_has_a_label_and_every_axis_its_year_in_utc(address: str, browser: Browser, shop: Path) -> None:
    with connect(shop) as con:
        locations = {str(name) for (name,) in con.execute("select location_id from marts.dim_locations").fetchall()}
    # Ids that are too long are shown by their beginning.
    expected = {name if len(name) <= 16 else f"{name[:8]}…" for name in locations}
    # Far to the west of UTC every day began on another one, were it not for the charts' own zone.
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, timezone_id="Pacific/Honolulu")
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    opened.goto(address)
    for tab in ("Stock", "Fulfilment"):
        opened.get_by_role("tab", name=tab).click()
        labels = opened.get_by_role("tabpanel", name=tab).locator("svg .role-axis-label text")
        expect(labels.filter(has_text="DC-NJ")).to_be_visible()
        expect(labels.filter(has_text=re.compile(r"\d\d \w{3} \d{4}")).first).to_be_visible()
        texts = labels.all_text_contents()
        assert expected <= set(texts)
        dates = [text for text in texts if re.fullmatch(r"\d\d \w{3} \d{4}", text)]
        assert len(dates) >= 3
        # Weeks begin on Mondays.
        assert {datetime.strptime(date, "%d %b %Y").replace(tzinfo=UTC).weekday() for date in dates} == {0}, dates
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_of_it_light_or_dark_as_the_browser_is(
    address: str, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    opened.goto(address)
    for tab in ("Sales", "Fulfilment", "Returns", "Stock", "Trust"):
        opened.get_by_role("tab", name=tab).click()
        panel = opened.get_by_role("tabpanel", name=tab)
        expect(panel.get_by_test_id("stMetric").first).to_be_visible()
        assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    painted = opened.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    red, green, blue = map(int, re.findall(r"\d+", painted)[:3])
    assert (red + green + blue > 600) == (scheme == "light")
    context.close()


def test_a_filter_changes_the_figures(page: Page, shop: Path) -> None:
    currency, channel, net_sales = asked(
        shop,
        """
        with main as (select currency from marts.daily_sales group by all order by sum(orders) desc, currency limit 1)

        select currency, channel, sum(net_sales)
        from marts.daily_sales
        semi join main using (currency)
        group by all
        having sum(net_sales) > 0
        order by sum(net_sales), channel
        limit 1
        """,
    )
    page.get_by_role("tab", name="Sales").click()
    choose(page, "Channels", channel)
    expect(figure(page, f"Net sales ({currency})")).to_have_text(f"{net_sales:,.2f}")

    page.get_by_role("tab", name="Stock").click()
    location, on_hand = asked(
        shop,
        """
        select location_id, sum(on_hand)
        from marts.fct_inventory_on_hand
        group by location_id
        order by sum(on_hand) desc, location_id
        limit 1
        """,
    )
    choose(page, "Locations", location)
    expect(figure(page, "Units on hand")).to_have_text(f"{on_hand:,}")


def test_another_currency_is_shown_by_itself(page: Page, shop: Path) -> None:
    currency, net_sales = asked(
        shop,
        """
        select currency, sum(net_sales)
        from marts.daily_sales
        group by currency
        order by sum(orders) desc, currency
        limit 1 offset 1
        """,
    )
    page.reload()
    expect(figure(page, "Orders")).to_be_visible()
    choose(page, "Currency", currency)
    expect(figure(page, f"Net sales ({currency})")).to_have_text(f"{net_sales:,.2f}")


def choose(page: Page, label: str, option: str) -> None:
    """Choose an option of a list at the side, by typing it as a person would."""
    box = page.get_by_role("combobox", name=label)
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option, exact=True).click()
    page.keyboard.press("Escape")
