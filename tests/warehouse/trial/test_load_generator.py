import math
from pathlib import Path

import pytest

from tests.live import KEY, free_port, running
from warehouse.errors import PostError
from warehouse.trial.load_generator import load, percentile

TEMPLATE = (b'{"tenant":"t","name":"order.created","published_at":"2026-01-02T03:04:05Z","payload":{"id":"', b'"}}')


def test_each_event_has_a_key_of_its_own_and_every_answer_is_counted(tmp_path: Path) -> None:
    with running(tmp_path / "home") as receiver:
        found = load(f"http://127.0.0.1:{receiver.port}", KEY, TEMPLATE, 8, 0.3)
        deliveries = receiver.stored()
    keys = {one.idempotency_key for one in deliveries}
    # At the end, a last one may be on its way on each connection.
    assert 0 < found.answered <= len(deliveries) == len(keys) <= found.answered + 8
    assert found.failed == 0
    assert 0 < found.p50 <= found.p99
    assert found.rate == found.answered / found.seconds


def test_what_is_refused_is_no_answer(tmp_path: Path) -> None:
    with running(tmp_path / "home") as receiver:
        found = load(f"http://127.0.0.1:{receiver.port}", "wrong-key", TEMPLATE, 2, 0.2)
        assert receiver.stored() == []
    assert found.answered == 0
    assert found.failed > 0
    assert math.isnan(found.p50)


def test_nobody_listening_is_said_in_two_lines() -> None:
    with pytest.raises(PostError) as error:
        load(f"http://127.0.0.1:{free_port()}", KEY, TEMPLATE, 2, 0.2)
    assert error.value.hint


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, p) for p in (0, 1, 50, 99, 100)] == [1, 1, 50, 99, 100]
    assert percentile([7.0], 99) == 7
