"""Somebody who follows the page about changes to the letter has a new field and a new mart at its end."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks_of

BLOCKS = blocks_of(ROOT / "docs" / "changing.md")


def block_with(text: str) -> str:
    found = [block.text for block in BLOCKS if text in block.text]
    assert found, f"docs/changing.md has no block with {text}"
    return found[0]


def insert(path: Path, before: str, text: str) -> None:
    old = path.read_text(encoding="utf-8")
    assert before in old, f"{path.name} has no {before!r}"
    path.write_text(old.replace(before, text + before, 1), encoding="utf-8")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in ("warehouse", "receiver", "dbt_project"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "target", "logs")
        )
    return tmp_path


def run(checkout: Path, *command: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE_")}
    result = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=checkout,
        env={**environ, "PYTHONPATH": str(checkout), "WAREHOUSE_HOME": str(checkout / "home")},
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    return result.stdout


def test_the_worked_examples(checkout: Path) -> None:
    order = json.loads((ROOT / "tests" / "data" / "order_created.json").read_text())
    order["payload"]["items"][0]["gift_message"] = "For you"
    card = {
        "tenant": order["tenant"],
        "name": "gift_card.issued",
        "published_at": "2026-01-02T03:04:05Z",
        "payload": {"id": "card-1", "order_id": order["payload"]["id"], "amount": 50, "currency": "USD"},
    }
    (checkout / "events.ndjson").write_text(json.dumps(order) + "\n" + json.dumps(card) + "\n")
    models, contract = checkout / "dbt_project" / "models", checkout / "warehouse" / "contract"

    # The field.
    insert(contract / "events.toml", "\n[records.item_reference.fields]", block_with("gift_message ="))
    lines, items = models / "intermediate" / "int_order_lines.sql", models / "marts" / "fct_order_items.sql"
    insert(lines, "        {{ said('item.shipping_method')", block_with("item.gift_message"))
    insert(items, "        lines.shipping_method", block_with("lines.gift_message"))
    insert(items, "        shipping_method,\n", "        gift_message,\n")
    described = (
        "      - name: gift_message\n        data_type: varchar\n        description: What is written on the card.\n"
    )
    insert(models / "marts" / "fct_order_items.yml", "      - name: shipping_method\n", described)

    # The event and its facts.
    insert(
        contract / "events.toml",
        '"order", "invoice", "return", "refund", "payment",',
        block_with('"gift_card",').strip() + " ",
    )
    insert(contract / "events.toml", '"order", "item", "product"', block_with('"gift_card",').strip() + " ")
    insert(contract / "events.toml", '[events."return.processed"]', block_with("meaning =") + "\n")
    run(checkout, "warehouse.contract")
    (models / "staging" / "stg_gift_card_events.sql").write_text(block_with("typed_events("))
    (models / "marts" / "fct_gift_cards.sql").write_text(block_with("counted_events("))
    (models / "marts" / "fct_gift_cards.yml").write_text(block_with("- name: fct_gift_cards"))

    run(checkout, "warehouse", "replay", "events.ndjson")
    run(checkout, "warehouse", "refresh")
    cards = json.loads(run(checkout, "warehouse", "sql", "--json", "from marts.fct_gift_cards"))
    assert cards == [
        {
            "tenant": order["tenant"],
            "gift_card_id": "card-1",
            "order_id": order["payload"]["id"],
            "amount": 50,
            "currency": "USD",
            "issued_at": "2026-01-02T03:04:05Z",
        }
    ]
    messages = json.loads(run(checkout, "warehouse", "sql", "--json", "select gift_message from marts.fct_order_items"))
    assert messages == [{"gift_message": "For you"}]
