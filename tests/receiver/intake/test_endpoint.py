"""Every row of the table of answers, over real sockets, and what is in the journal after each."""

import http.client
import json
import os
import random
import signal
import socket
import struct
import time
from pathlib import Path

import pytest

from tests.live import EVENT_PATH, Receiver, Response, envelope, exchange, resident_bytes, running
from warehouse.delivery.delivery import Problem

SAMPLE = (Path(__file__).parents[2] / "data" / "order_created.json").read_bytes()
MAX_BODY = 32 * 2**20
HEAD = b"POST /newstore_api/v0/event HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer test-key\r\n"

STRANGE = {
    "empty": (b"", Problem.NOT_JSON),
    "not json": (b"event=order.created", Problem.NOT_JSON),
    "not utf-8": (b'{"tenant": "\xff\xfe"}', Problem.NOT_UTF8),
    "byte order mark": (b"\xef\xbb\xbf" + SAMPLE, Problem.NOT_JSON),
    "nan": (b'{"tenant": NaN}', Problem.NOT_JSON),
    "array": (b"[1, 2, 3]", Problem.NOT_AN_ENVELOPE),
    "null": (b"null", Problem.NOT_AN_ENVELOPE),
    "cut off": (SAMPLE[:-20], Problem.NOT_JSON),
    "nul bytes": (b"\x00" * 100, Problem.NOT_JSON),
    "10,000 levels deep": (b"[" * 10_000 + b"]" * 10_000, None),
    "20 MB string": (envelope(1, note="x" * 20_000_000), None),
    "unknown name": (SAMPLE.replace(b"order.created", b"order.invented"), Problem.UNKNOWN_NAME),
    "no key": (SAMPLE.replace(b'"id"', b'"other_id"'), Problem.MISSING_KEY),
    "unreadable time": (SAMPLE.replace(b"2010-01-01T12:00:00.000Z", b"yesterday"), Problem.BAD_PUBLISHED_AT),
}


def test_the_documented_sample_is_stored_as_an_event(receiver: Receiver) -> None:
    before = time.time_ns() // 1000
    answer = receiver.post(SAMPLE)
    assert (answer.status, answer.body) == (200, b"")
    delivery = receiver.stored()[-1]
    assert delivery.body == SAMPLE
    assert (delivery.tenant, delivery.name, delivery.problem) == ("businessname", "order.created", None)
    assert delivery.idempotency_key == json.loads(SAMPLE)["payload"]["id"]
    assert before <= delivery.received_at <= time.time_ns() // 1000


def test_a_repeated_delivery_is_kept_as_a_further_one(receiver: Receiver) -> None:
    before = len(receiver.stored())
    assert [receiver.post(SAMPLE).status, receiver.post(SAMPLE).status] == [200, 200]
    assert [delivery.body for delivery in receiver.stored()[before:]] == [SAMPLE, SAMPLE]


@pytest.mark.parametrize("case", STRANGE)
def test_whatever_the_body_is_it_is_stored_byte_for_byte(receiver: Receiver, case: str) -> None:
    body, problem = STRANGE[case]
    before = len(receiver.stored())
    assert receiver.post(body).status == 200
    (delivery,) = receiver.stored()[before:]
    assert delivery.body == body
    if problem is not None:
        assert delivery.problem == problem


def test_a_chunked_body_is_stored_without_its_chunks(receiver: Receiver) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (SAMPLE[:7], SAMPLE[7:900], SAMPLE[900:]))
    with receiver.send_raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n") as plain:
        assert _status(plain) == 200
    assert receiver.stored()[-1].body == SAMPLE


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer test-key"},
        {"Authorization": "bearer second-key"},
        {"X-API-Key": "test-key"},
        {"X-API-Key": "second-key"},
        {"Authorization": "Basic dGVzdDp0ZXN0", "X-API-Key": "test-key"},
    ],
)
def test_every_live_key_opens_either_header(receiver: Receiver, headers: dict[str, str]) -> None:
    assert receiver.post(SAMPLE, headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer test-key,second-key"},
        {"Authorization": "Bearer Test-Key"},
        {"Authorization": "test-key"},
        {"Authorization": "Basic test-key"},
        {"X-API-Key": "test-ke"},
        {"X-API-Key": "test-key2"},
        {"X-API-Key": ""},
    ],
)
def test_without_a_live_key_nothing_is_stored(receiver: Receiver, headers: dict[str, str]) -> None:
    before = len(receiver.stored())
    answer = receiver.post(SAMPLE, headers)
    assert answer.status == 403
    assert b"test-key" not in answer.body
    assert len(receiver.stored()) == before


def test_403_does_not_wait_for_the_body(receiver: Receiver) -> None:
    head = HEAD.replace(b"test-key", b"wrong") + b"Content-Length: 1000000\r\n\r\n"
    with receiver.send_raw(head) as plain:
        assert _status(plain) == 403


def test_403_comes_without_100_continue(receiver: Receiver) -> None:
    head = HEAD.replace(b"test-key", b"wrong") + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n"
    with receiver.send_raw(head) as plain:
        assert plain.recv(4096).startswith(b"HTTP/1.1 403 ")


def test_413_by_content_length_does_not_wait_for_the_body(receiver: Receiver) -> None:
    before = receiver.metrics()["newstore_oversized_total"]
    with receiver.send_raw(HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1)) as plain:
        assert _status(plain) == 413
    assert receiver.metrics()["newstore_oversized_total"] == before + 1


def test_413_while_streaming_stores_nothing_of_it(receiver: Receiver) -> None:
    before, stored = receiver.metrics()["newstore_oversized_total"], len(receiver.stored())
    part = b"100000\r\n" + b"x" * 2**20 + b"\r\n"
    with receiver.send_raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n") as plain:
        for _ in range(33):
            plain.sendall(part)
        assert _status(plain) == 413
    assert receiver.metrics()["newstore_oversized_total"] == before + 1
    assert len(receiver.stored()) == stored


def test_a_body_of_exactly_the_limit_is_stored(receiver: Receiver) -> None:
    body = b"x" * MAX_BODY
    assert receiver.post(body).status == 200
    assert receiver.stored()[-1].body == body


def test_an_encoded_body_is_refused(receiver: Receiver) -> None:
    headers = {"X-API-Key": "test-key", "Content-Encoding": "gzip"}
    before = len(receiver.stored())
    assert receiver.post(b"\x1f\x8b", headers).status == 415
    assert len(receiver.stored()) == before
    assert receiver.post(SAMPLE, {**headers, "Content-Encoding": "identity"}).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_another_method_is_told_the_right_one(receiver: Receiver, method: str) -> None:
    answer = receiver.request(method, EVENT_PATH, headers={"X-API-Key": "test-key"})
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", [f"{EVENT_PATH}/", "/newstore_api/v0/events", "/NEWSTORE_API/v0/event", "/event"])
def test_another_path_is_not_found(receiver: Receiver, path: str) -> None:
    before = receiver.metrics()['newstore_requests_total{answer="404"}']
    assert receiver.request("POST", path, SAMPLE, {"X-API-Key": "test-key"}).status == 404
    assert receiver.metrics()['newstore_requests_total{answer="404"}'] == before + 1


def test_a_client_that_hangs_up_in_its_body_leaves_nothing(receiver: Receiver) -> None:
    before, stored = receiver.metrics()['newstore_requests_total{answer="disconnected"}'], len(receiver.stored())
    with receiver.send_raw(HEAD + b"Content-Length: 100\r\n\r\n0123456789"):
        pass
    with receiver.send_raw(HEAD + b"Content-Length: 100\r\n\r\n0123456789") as plain:
        # Reset instead of a polite end.
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    deadline = time.monotonic() + 10
    while receiver.metrics()['newstore_requests_total{answer="disconnected"}'] < before + 2:
        assert time.monotonic() < deadline
    assert len(receiver.stored()) == stored
    assert "Traceback" not in receiver.errors()


def test_a_connection_goes_on_after_each_answer(receiver: Receiver) -> None:
    connection = receiver.connect()
    wrong = {"X-API-Key": "wrong"}
    statuses = [
        exchange(connection, body=body, headers=headers).status
        for body, headers in ((SAMPLE, None), (SAMPLE * 100, wrong), (b"", None), (b"x" * 2**20, None), (SAMPLE, wrong))
    ]
    connection.close()
    assert statuses == [200, 403, 200, 200, 403]


def test_pipelined_deliveries_are_each_answered_and_stored_in_order(receiver: Receiver) -> None:
    bodies = [envelope(number) for number in range(5)]
    requests = [HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in bodies]
    with receiver.send_raw(b"".join(requests)) as plain:
        received = b""
        while received.count(b"HTTP/1.1 200 ") < len(bodies):
            received += plain.recv(65536)
    assert [delivery.body for delivery in receiver.stored()[-5:]] == bodies


def test_a_plain_delivery_gets_the_same_answer_as_any_other(receiver: Receiver) -> None:
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(SAMPLE), SAMPLE)
    answers = []
    for rest in (b"Content-Length: %d\r\n\r\n%s" % (len(SAMPLE), SAMPLE), chunked):
        with receiver.send_raw(HEAD + b"Connection: close\r\n" + rest) as plain:
            received = b""
            while data := plain.recv(4096):
                received += data
        # They may be a second apart.
        answers.append([line for line in received.lower().split(b"\r\n") if not line.startswith(b"date: ")])
        assert received.lower().count(b"\r\ndate: ") == 1
    assert answers[0][0] == b"http/1.1 200 ok"
    assert sorted(answers[0]) == sorted(answers[1])


def test_a_delivery_whose_client_hangs_up_after_it_is_stored(receiver: Receiver) -> None:
    # Bytes that nobody has read yet go with a reset: the slower the receiver is, the longer the client has to stay.
    for seconds in (0.05, 0.2, 1.0, 5.0, 20.0):
        body = envelope(random.randrange(2**60))
        with receiver.send_raw(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body) as plain:
            # Reset, so that whatever the receiver writes fails.
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            time.sleep(seconds)
        time.sleep(seconds)
        if body in [delivery.body for delivery in receiver.stored()]:
            break
    else:
        pytest.fail("nothing was stored of a client that stayed for 20 s")
    assert receiver.post(SAMPLE).status == 200
    assert "Traceback" not in receiver.errors()


def test_a_body_is_out_of_memory_once_it_is_answered(tmp_path: Path) -> None:
    bodies = [envelope(number, note="x" * 60_000) for number in range(400)]
    with running(tmp_path / "home", workers=1) as receiver:
        connection = receiver.connect()
        before = resident_bytes(receiver.process.pid)
        for body in bodies:
            connection.request("POST", EVENT_PATH, body, {"Authorization": "Bearer test-key"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
        connection.close()
        assert resident_bytes(receiver.process.pid) - before < sum(map(len, bodies)) / 4


@pytest.mark.parametrize("workers", [None, 1])
def test_a_full_queue_is_429_and_what_was_refused_is_not_stored(tmp_path: Path, workers: int | None) -> None:
    bodies = [envelope(number, note="x" * 2000) for number in range(64)]
    with running(tmp_path / "home", {"WAREHOUSE_QUEUE_BYTES": "4KiB"}, workers) as receiver:
        answers = _post_at_once(receiver, bodies)
        accepted = [body for body, answer in zip(bodies, answers, strict=True) if answer.status == 200]
        refused = [answer for answer in answers if answer.status != 200]
        assert accepted
        assert {(answer.status, answer.headers["retry-after"]) for answer in refused} == {(429, "1")}
        assert sorted(delivery.body for delivery in receiver.stored()) == sorted(accepted)
        # A body larger than the whole queue is not refused for ever.
        assert receiver.post(b"x" * 100_000).status == 200
        metrics = receiver.metrics()
        assert metrics['newstore_requests_total{answer="429"}'] == len(refused)
        assert metrics["newstore_queue_deliveries"] == metrics["newstore_queue_bytes"] == 0


def _post_at_once(receiver: Receiver, bodies: list[bytes]) -> list[Response]:
    """Hold the process while all requests come in, on connections it knows already, so that it finds them together."""
    sockets = [receiver.send_raw(b"GET /health HTTP/1.1\r\nHost: receiver\r\n\r\n") for _ in bodies]
    for plain in sockets:
        response = http.client.HTTPResponse(plain)
        response.begin()
        response.read()
    os.kill(receiver.process.pid, signal.SIGSTOP)
    for plain, body in zip(sockets, bodies, strict=True):
        plain.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    os.kill(receiver.process.pid, signal.SIGCONT)
    answers = []
    for plain in sockets:
        with plain:
            response = http.client.HTTPResponse(plain)
            response.begin()
            answers.append(Response(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()))
    return answers


def _status(plain: socket.socket) -> int:
    return int(plain.recv(4096).split(b" ")[1])
