"""The route NewStore delivers to. A 200 means that the body is on the disk; `outcome` is the one place to give it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import time_ns
from typing import Final

from starlette.types import Receive, Scope, Send

from receiver.answers import NOT_WHOLE, Answer, Refusal
from receiver.intake.api_keys import ApiKeys
from receiver.intake.body import ClientGone, Room, check_head, check_whole, read_body
from receiver.intake.group_commit import GroupCommit
from receiver.metrics import Metrics
from warehouse.delivery.envelope import decode

STORED: Final = Answer(200)
# Where the application leaves its endpoint for our HTTP protocol.
ENDPOINT: Final = "event"


class EventEndpoint:
    """`POST /newstore_api/v0/event`: whoever shows a key gets every body stored, whatever is in it."""

    def __init__(self, keys: ApiKeys, max_body: int, room: Room, commit: GroupCommit, metrics: Metrics) -> None:
        self._keys = keys
        self._max_body = max_body
        self._room = room
        self._commit = commit
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope["headers"]
        try:
            shown = dict(headers)
            if not self._keys.opens(shown):
                raise Refusal(self._keys.refusal(shown, scope.get("client")))
            length = check_head(headers, self._max_body)
            self._commit.admit()
            body = await read_body(receive, self._max_body, self._room)
            check_whole(body, length, headers)
            waiter = self._commit.append(decode(body, time_ns() // 1000))
            with suppress(Refusal):
                await waiter
            answer = self.outcome(waiter)
        except Refusal as refusal:
            answer = self._refused(refusal.answer)
        except ClientGone:
            self.client_gone()
            return
        await answer.send(send)

    def takes(self, headers: Sequence[tuple[bytes, bytes]], limit: int) -> int:
        """The length of the body that these headers announce, if `store` may be given it; 0 if not, or if it is empty.

        It is at most `limit` bytes long.
        """
        found = dict(headers)
        length = int(found.get(b"content-length", b"0"))
        if (
            length > min(limit, self._max_body)
            or b"transfer-encoding" in found
            or b"content-encoding" in found
            # What is said twice is looked at where each of them counts.
            or len(found) != len(headers)
            or not self._keys.opens(found)
        ):
            return 0
        return length

    def knows(self, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Whether these headers hold a live key."""
        return self._keys.opens(dict(headers))

    def store(self, body: bytes, length: int, answer: Callable[[Answer], None]) -> None:
        """Put a whole body on the disk; `answer` is told what came of it, at once or once it is there."""
        try:
            if len(body) != length:
                raise Refusal(NOT_WHOLE)
            waiter = self._commit.append(decode(body, time_ns() // 1000))
        except Refusal as refusal:
            answer(self._refused(refusal.answer))
        else:
            waiter.add_done_callback(lambda waiter: answer(self.outcome(waiter)))

    def outcome(self, waiter: "asyncio.Future[int]") -> Answer:
        """200 for a waiter that has its position, which it gets after the sync of its group, and for no other."""
        error = waiter.exception()
        if isinstance(error, Refusal):
            return self._refused(error.answer)
        if error is not None:
            raise error
        self._metrics.accepted()
        return STORED

    def client_gone(self) -> None:
        """Somebody hung up before all of a body had come."""
        self._metrics.disconnected()

    def _refused(self, answer: Answer) -> Answer:
        self._metrics.refused(answer)
        return answer
