"""The bytes of a journal file: a header that names the journal, then records numbered from 0 without a gap.

    header   magic (8) | version u32 | name length u32 | name | crc32 u32 of all before it
    record   sync mark (4) | length u32 | crc32 u32 | position u64 | meta length u32 | meta | body

All numbers are little-endian. A record's length counts what follows its checksum, and the checksum covers that and the
journal's name, so a record of another journal is no record of this one. Meta is MessagePack; the body is the request's.

After the last record there may be room for the next ones, reserved by bytes of 0xFF: no record begins so, and a file
system that lost what was written leaves zeros, not these.
"""

import struct
import zlib
from collections.abc import Sequence
from typing import Final

import msgspec

from warehouse.delivery.delivery import Delivery, Problem

SUFFIX: Final = ".journal"
MAGIC: Final = b"NSWJ\r\n\x1a\n"
VERSION: Final = 1
# 0xC1 and 0xF5 occur nowhere in UTF-8, so no text in a body looks like the beginning of a record.
SYNC: Final = b"\xf5\xc1J\xf5"
RESERVED: Final = b"\xff"

HEADER: Final = struct.Struct("<8sII")
CHECKSUM: Final = struct.Struct("<I")
FRAME: Final = struct.Struct("<4sII")
NUMBER: Final = struct.Struct("<QI")
HEAD: Final = struct.Struct("<4sIIQI")


# A delivery without its body: received_at, tenant, name, idempotency_key, published_at, problem.
Meta = tuple[int, str | None, str | None, str | None, int | None, Problem | None]

_encode_meta: Final = msgspec.msgpack.Encoder().encode
decode_meta: Final = msgspec.msgpack.Decoder(Meta).decode


def pack_header(name: str) -> bytes:
    """The first bytes of the journal called `name`."""
    text = name.encode()
    header = HEADER.pack(MAGIC, VERSION, len(text)) + text
    return header + CHECKSUM.pack(zlib.crc32(header))


def pack_records(deliveries: Sequence[Delivery], first: int, seed: int) -> bytes:
    """The records of `deliveries` at positions `first`, `first` + 1, …; `seed` is the journal's own, see `seed_of`."""
    frame, number, crc32, encode = FRAME.pack, NUMBER.pack, zlib.crc32, _encode_meta
    parts: list[bytes] = []
    for position, d in enumerate(deliveries, first):
        meta = encode((d.received_at, d.tenant, d.name, d.idempotency_key, d.published_at, d.problem))
        head = number(position, len(meta)) + meta
        body = d.body
        parts += (frame(SYNC, len(head) + len(body), crc32(body, crc32(head, seed))), head, body)
    return b"".join(parts)


def seed_of(name: str) -> int:
    """What the checksums of the journal called `name` begin with."""
    return zlib.crc32(name.encode())
