"""The pages by which a retailer runs a day and closes a month: their figures are those of SQL over the marts."""

import csv
import importlib
import io
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.dashboard.browsing import PATIENCE_MS, asked, browsing, choose, figure, serving, settle, turn_to
from warehouse import connect, refresh, replay
from warehouse.reference.kinds import KINDS
from warehouse.reference.load import load_reference
from warehouse.serving.dashboard import questions
from warehouse.serving.dashboard.choice import Choice
from warehouse.serving.dashboard.csv_file import as_csv
from warehouse.serving.dashboard.definitions import define, describe
from warehouse.serving.dashboard.question import Question
from warehouse.serving.month_close import LINES
from warehouse.settings import Settings
from warehouse.simulator import simulate, write_ndjson

# Two refreshes, servers and a browser share one processor with the other tests.
pytestmark = pytest.mark.timeout(900)

END = datetime(2025, 3, 5, 23, tzinfo=UTC)
CURRENCY = """
(select currency from marts.daily_sales where tenant = 'demo' group by currency order by sum(orders) desc limit 1)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A retailer with reference data, some weeks of this year and of the one before, and a small one without any."""
    folder = tmp_path_factory.mktemp("pages")
    home = folder / "home"
    weeks = [
        simulate(events=2500, days=40, end=END, with_reference=True),
        simulate(events=1200, days=14, end=END.replace(year=2024, day=9), seed=2),
        simulate(events=150, days=14, end=END, seed=3, tenant="small"),
    ]
    for number, simulation in enumerate(weeks):
        file = folder / f"{number}.ndjson"
        write_ndjson(simulation, file)
        replay([file], home)
    for kind, path in weeks[0].write_reference(folder / "reference"):
        load_reference(Settings.load(home=str(home)), KINDS[kind], path, "demo")
    refresh(home)
    return home


@pytest.fixture(scope="module")
def page(home: Path, browser: Browser) -> Iterator[Page]:
    with serving(home) as address, browsing(browser, address) as opened:
        yield opened


def test_today_is_the_newest_day_beside_the_same_day_last_year(page: Page, home: Path) -> None:
    turn_to(page, "Today")
    currency, day, before, net_sales, net_sales_before, orders = asked(
        home,
        f"""
        with days as (
            select max(date) filter (where orders > 0) as day from marts.daily_sales where tenant = 'demo'
        )

        select
            sales.currency,
            days.day,
            fiscal.fiscal_day_last_year,
            sum(sales.net_sales) filter (where sales.date = days.day),
            sum(sales.net_sales) filter (where sales.date = fiscal.fiscal_day_last_year),
            sum(sales.orders) filter (where sales.date = days.day)
        from marts.daily_sales as sales
        cross join days
        inner join marts.dim_fiscal_dates as fiscal on days.day = fiscal.date and fiscal.tenant = 'demo'
        where sales.tenant = 'demo' and sales.currency = {CURRENCY}
        group by all
        """,
    )
    expect(page.get_by_text(f"{day:%A}, {day.day} {day:%B %Y}, beside {before:%A}, {before.day}")).to_be_visible()
    expect(figure(page, f"Net sales ({currency})")).to_have_text(f"{net_sales:,.2f}")
    expect(figure(page, "Orders")).to_have_text(f"{orders:,}")
    change = figure_box(page, f"Net sales ({currency})").get_by_test_id("stMetricDelta")
    expect(change).to_contain_text(f"{float(net_sales) / float(net_sales_before) - 1:+.1%}")
    stores = saved(page, f"Stores ({currency})")
    with connect(home) as con:
        expected = con.execute(
            f"""
            select coalesce(name, location_id), net_sales, net_sales_same_day_last_year
            from marts.daily_store
            left join marts.dim_locations using (tenant, location_id)
            where tenant = 'demo' and date = ? and daily_store.currency = {CURRENCY}
            """,
            [day],
        ).fetchall()
    assert sorted((row["store"], row["net_sales"], row["last_year"]) for row in stores) == sorted(
        (name, str(net), str(last)) for name, net, last in expected
    )


def test_the_month_close_adds_up_to_the_cent(page: Page, home: Path) -> None:
    turn_to(page, "Month close")
    expect(page.get_by_text("1 February 2025 to 28 February 2025", exact=True)).to_be_visible()
    expect(page.get_by_text("The lines add up to the total, to the cent.")).to_be_visible()
    names = [name for name, _ in LINES]
    currency, total, *sums = asked(
        home,
        f"""
        select currency, sum(total_sales), {", ".join(f"sum({name})" for name in names)}
        from marts.daily_sales
        where tenant = 'demo' and currency = {CURRENCY} and date_trunc('month', date) = '2025-02-01'
        group by currency
        """,
    )
    lines = {row["line"]: row["amount"] for row in saved(page, f"From gross to total ({currency})")}
    signed = {name: sign * amount for (name, sign), amount in zip(LINES, sums, strict=True)}
    assert sum(signed.values()) == total
    assert {name: float(lines[name]) for name in names} == {name: float(amount) for name, amount in signed.items()}
    assert lines["total_sales"] == str(total)
    expect(page.get_by_text(f"{total:,.2f}", exact=True)).to_be_visible()
    (net_tendered, tax, liability) = asked(
        home,
        f"""
        select
            (
                select sum(net) from marts.daily_tenders
                where tenant = 'demo' and currency = {CURRENCY} and date_trunc('month', date) = '2025-02-01'
            ),
            (
                select sum(net) from marts.daily_taxes
                where tenant = 'demo' and currency = {CURRENCY} and date_trunc('month', date) = '2025-02-01'
            ),
            (
                select sum(net_liability_change) from marts.gift_cards
                where tenant = 'demo' and currency = {CURRENCY} and date_trunc('month', business_date) = '2025-02-01'
            )
        """,
    )
    assert summed(saved(page, f"Tenders ({currency})"), "net") == pytest.approx(float(net_tendered))
    assert summed(saved(page, f"Taxes ({currency})"), "net") == pytest.approx(float(tax))
    expect(figure(page, "Owed more (less)")).to_have_text(f"{liability:,.2f}")


def test_presets_are_counted_from_the_newest_day(page: Page, home: Path) -> None:
    turn_to(page, "Sales")
    for preset, condition in {
        "Yesterday": "date = '2025-03-04'",
        "Last week": "date between '2025-02-24' and '2025-03-02'",
        "Month to date": "date between '2025-03-01' and '2025-03-05'",
        "Last fiscal period": "date in (select date from marts.dim_fiscal_dates where tenant = 'demo' and "
        "(fiscal_year, fiscal_period) = (select (fiscal_year, fiscal_period) from marts.dim_fiscal_dates "
        "where tenant = 'demo' and date = '2025-02-15'))",
    }.items():
        currency, net_sales, orders = asked(
            home,
            f"""
            select any_value(currency), sum(net_sales), sum(orders)
            from marts.daily_sales
            where tenant = 'demo' and currency = {CURRENCY} and {condition}
            """,
        )
        choose(page, "Business days", preset)
        expect(figure(page, f"Net sales ({currency})")).to_have_text(f"{net_sales:,.2f}")
        expect(figure(page, "Orders")).to_have_text(f"{orders:,}")
    # What is chosen on one page is chosen on the next.
    turn_to(page, "Stores")
    expect(page.get_by_role("combobox", name="Business days")).to_have_value("Last fiscal period")
    choose(page, "Business days", "All days")
    settle(page)


def test_merchandise_of_a_category(page: Page, home: Path) -> None:
    turn_to(page, "Merchandise")
    (category, on_hand) = asked(
        home,
        """
        select category, sum(on_hand)
        from marts.stock_position
        inner join marts.dim_products using (tenant, product_id)
        where tenant = 'demo' and category is not null and is_gift_card is distinct from true
        group by category
        order by sum(on_hand) desc, category
        limit 1
        """,
    )
    choose(page, "Categories", category)
    expect(figure(page, "Units on hand")).to_have_text(f"{on_hand:,}")
    (units, currency) = asked(
        home,
        f"""
        select sum(quantity), any_value(items.currency)
        from marts.fct_order_items as items
        inner join marts.dim_products using (tenant, product_id)
        where tenant = 'demo' and is_sale and category = '{category}' and items.currency = {CURRENCY}
        """,
    )
    expect(figure(page, "Units")).to_have_text(f"{units:,}")
    best = saved(page, f"Best sellers ({currency})")
    assert {row["category"] for row in best} == {category}
    assert [float(row["net_sales"]) for row in best] == sorted((float(row["net_sales"]) for row in best), reverse=True)


def test_stores_of_a_region(page: Page, home: Path) -> None:
    turn_to(page, "Stores")
    (requests,) = asked(home, "select count(*) from marts.fct_open_requests where tenant = 'demo'")
    expect(figure(page, "Open requests")).to_have_text(f"{requests:,}")
    (region, stores, completed, sold, currency) = asked(
        home,
        f"""
        with places as (from marts.dim_locations where tenant = 'demo' and region = 'Europe')

        select
            'Europe',
            (
                select list_sort(list(distinct name))
                from marts.daily_fulfillment
                inner join places using (tenant, location_id)
            ),
            (select sum(completed) from marts.daily_fulfillment semi join places using (tenant, location_id)),
            (
                select coalesce(sum(net_sales), 0)
                from marts.daily_associates
                semi join places using (tenant, location_id)
                where currency = {CURRENCY}
            ),
            {CURRENCY}
        """,
    )
    choose(page, "Regions", region)
    settle(page)
    rows = saved(page, f"By location ({currency})")
    assert sorted(row["location"] for row in rows) == stores
    assert summed(rows, "completed") == completed
    page.get_by_role("combobox", name="Regions").press("Backspace")
    settle(page)
    (sold,) = asked(
        home, f"select sum(net_sales) from marts.daily_associates where tenant = 'demo' and currency = {CURRENCY}"
    )
    assert summed(saved(page, f"Associates ({currency})"), "net_sales") == pytest.approx(float(sold))


def test_a_figure_says_what_it_means(page: Page) -> None:
    turn_to(page, "Sales")
    figure_box(page, "Units cancelled").get_by_test_id("stTooltipIcon").hover()
    expect(page.get_by_test_id("stTooltipContent")).to_contain_text(describe("daily_sales", "cancelled_units"))


def test_a_tenant_is_shown_by_itself_and_says_what_it_lacks(page: Page, home: Path) -> None:
    (orders,) = asked(
        home,
        """
        select sum(orders)
        from marts.daily_sales
        where
            tenant = 'small'
            and currency = (
                select currency from marts.daily_sales where tenant = 'small'
                group by currency order by sum(orders) desc, currency limit 1
            )
        """,
    )
    turn_to(page, "Sales")
    choose(page, "Tenant", "small")
    expect(figure(page, "Orders")).to_have_text(f"{orders:,}")
    turn_to(page, "Today")
    expect(page.get_by_text("The data have nothing of the same day last year")).to_be_visible()
    turn_to(page, "Merchandise")
    expect(page.get_by_text("Products show their numbers")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    choose(page, "Tenant", "demo")
    settle(page)


def test_a_lake_without_orders_says_so(tmp_path: Path, browser: Browser) -> None:
    home = tmp_path / "home"
    home.mkdir()
    refresh(home)
    with serving(home) as address:
        opened = browser.new_page()
        opened.set_default_timeout(PATIENCE_MS)
        opened.goto(address)
        expect(opened.get_by_text("No orders yet")).to_be_visible()
        opened.get_by_role("link", name="Month close", exact=True).click()
        expect(opened.get_by_role("heading", name="Month close")).to_be_visible()
        expect(opened.get_by_text("No orders yet")).to_be_visible()
        expect(opened.get_by_test_id("stException")).to_have_count(0)
        opened.close()


def every_question() -> dict[str, Question]:
    modules = [
        importlib.import_module(f"{questions.__name__}.{each.name}")
        for each in pkgutil.iter_modules(questions.__path__)
    ]
    return {
        f"{module.__name__.rsplit('.', 1)[1]}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, Question)
    }


@pytest.mark.parametrize("name", every_question())
def test_every_column_of_every_answer_means_something(name: str, home: Path) -> None:
    question = every_question()[name]
    choice = Choice("demo", END.date().replace(year=2024), END.date(), "USD")
    with connect(home) as con:
        used = {key: value for key, value in choice.parameters().items() if f"${key}" in question.sql}
        columns = (con.execute(question.sql, used) if used else con.execute(question.sql)).to_arrow_table().column_names
    for column in columns:
        assert define(question.meaning(column)), column


def test_a_csv_file_keeps_cents_and_holds_no_formula(home: Path) -> None:
    with connect(home) as con:
        rows = con.execute("select '=1+1' as name, 0.1000::decimal(18, 4) as amount, null as nothing").to_arrow_table()
    assert as_csv(rows) == "﻿name,amount,nothing\r\n'=1+1,0.1000,\r\n".encode()


def figure_box(page: Page, name: str) -> Locator:
    return page.get_by_test_id("stMetric").filter(has=page.get_by_text(name, exact=True))


def saved(page: Page, title: str) -> list[dict[str, Any]]:
    """The rows of the file beside that title."""
    settle(page)
    heading = page.get_by_role("heading", name=title, exact=True)
    button = page.get_by_test_id("stHorizontalBlock").filter(has=heading).last.get_by_role("button", name="CSV")
    with page.expect_download() as download:
        button.click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def summed(rows: list[dict[str, Any]], column: str) -> float:
    return sum(float(row[column] or 0) for row in rows)
