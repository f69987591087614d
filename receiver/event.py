"""The route NewStore delivers to. A 200 means that the body is on the disk; this is the only place that makes one."""

from time import time_ns
from typing import Final

from starlette.types import Receive, Scope, Send

from receiver.answers import Answer, Refusal
from receiver.auth import ApiKeys
from receiver.body import ClientGone, Room, check_head, read_body
from receiver.group_commit import GroupCommit
from receiver.metrics import Metrics
from warehouse.envelope import decode

STORED: Final = Answer(200)


class EventEndpoint:
    """`POST /newstore_api/v0/event`: whoever shows a key gets every body stored, whatever is in it."""

    def __init__(self, keys: ApiKeys, max_body: int, room: Room, commit: GroupCommit, metrics: Metrics) -> None:
        self._keys = keys
        self._max_body = max_body
        self._room = room
        self._commit = commit
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        try:
            self._keys.check(headers)
            check_head(headers, self._max_body)
            self._commit.admit()
            body = await read_body(receive, self._max_body, self._room)
            await self._commit.append(decode(body, time_ns() // 1000))
        except Refusal as refusal:
            self._metrics.refused(refusal.answer)
            await refusal.answer.send(send)
        except ClientGone:
            self._metrics.disconnected()
        else:
            # `append` has returned, so the group with these bytes has been synced.
            self._metrics.accepted()
            await STORED.send(send)
