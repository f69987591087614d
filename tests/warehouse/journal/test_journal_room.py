"""Room that a journal reserves at its end: no reader takes it for a record or for damage, however the writer ends."""

import random
import threading
from pathlib import Path

import pytest

from warehouse.delivery.delivery import Delivery
from warehouse.journal import Damage, JournalWriter, Reason, read_journal, written_after
from warehouse.journal.record import RESERVED, pack_records, seed_of

ROOM = 4096


def delivery(number: int, body: bytes = b"{}") -> Delivery:
    return Delivery(number, "tenant", "order.created", str(number), 0, None, body)


def read(path: Path) -> tuple[list[int], list[Damage]]:
    damage: list[Damage] = []
    return [position for position, _ in read_journal(path, on_damage=damage.append)], damage


def dead_journal(folder: Path, bodies: list[bytes]) -> tuple[Path, int]:
    """A journal with room at its end, and where its records end."""
    with JournalWriter(folder, ROOM) as writer:
        for number, body in enumerate(bodies):
            writer.append([delivery(number, body)])
    return writer.path, writer.size


def test_small_groups_are_written_into_room_that_is_there(tmp_path: Path) -> None:
    with JournalWriter(tmp_path, ROOM) as writer:
        lengths = set()
        for number in range(20):
            assert writer.append([delivery(number)]) == number
            lengths.add(writer.path.stat().st_size)
            assert read(writer.path) == (list(range(number + 1)), [])
            assert written_after(writer.path, 0) == writer.size
    assert len(lengths) == 1
    assert read(writer.path) == (list(range(20)), [])
    assert written_after(writer.path, writer.size) == 0


def test_room_that_is_used_up_is_reserved_again(tmp_path: Path) -> None:
    path, size = dead_journal(tmp_path, [b"x" * 700] * 50)
    assert size <= path.stat().st_size <= size + ROOM
    assert read(path) == (list(range(50)), [])


def test_a_large_group_takes_what_it_needs(tmp_path: Path) -> None:
    with JournalWriter(tmp_path, ROOM) as writer:
        writer.append([delivery(number, b"x" * 100) for number in range(100)])
        assert writer.path.stat().st_size == writer.size
        writer.append([delivery(100)])
        assert writer.path.stat().st_size == writer.size + ROOM
        writer.append([delivery(101, b"x" * ROOM)])
        assert writer.path.stat().st_size == writer.size
        writer.append([delivery(102)])
    assert read(writer.path) == (list(range(103)), [])


def test_a_record_that_was_not_wholly_written_into_the_room_is_a_torn_tail(tmp_path: Path) -> None:
    path, size = dead_journal(tmp_path, [b"{}"] * 3)
    whole = path.read_bytes()
    record = pack_records([delivery(3, b"y" * 700)], 3, seed_of(path.stem))
    for length in range(1, len(record)):
        path.write_bytes(whole[:size] + record[:length] + whole[size + length :])
        assert read(path) == ([0, 1, 2], [Damage(path, size, Reason.TORN_TAIL, 3, None)])


def test_a_record_of_which_a_sector_is_missing_is_a_torn_tail(tmp_path: Path) -> None:
    path, size = dead_journal(tmp_path, [b"{}"] * 3)
    whole = path.read_bytes()
    record = pack_records([delivery(3, b"y" * 2000)], 3, seed_of(path.stem))
    sectors = range(size - size % 512 + 512, size + len(record) - 512, 512)
    assert len(sectors) > 1
    for sector in sectors:
        data = bytearray(whole[:size] + record + whole[size + len(record) :])
        data[sector : sector + 512] = RESERVED * 512
        path.write_bytes(data)
        assert read(path) == ([0, 1, 2], [Damage(path, size, Reason.TORN_TAIL, 3, None)])


def test_a_flipped_bit_is_noticed_in_the_last_record_and_in_the_room(tmp_path: Path, seed: int) -> None:
    path, size = dead_journal(tmp_path, [b'{"a": "some text"}'] * 3)
    whole = path.read_bytes()
    dice = random.Random(seed)
    for _ in range(300):
        data = bytearray(whole)
        data[dice.randrange(size - 40, len(data))] ^= 1 << dice.randrange(8)
        path.write_bytes(data)
        positions, damage = read(path)
        assert positions in ([0, 1], [0, 1, 2])
        assert [one.reason for one in damage] == [Reason.CORRUPT]


@pytest.mark.parametrize("zeros", [1, 512, ROOM])
def test_zeros_are_no_room(tmp_path: Path, zeros: int) -> None:
    path, size = dead_journal(tmp_path, [b"{}"])
    with path.open("r+b") as file:
        file.truncate(size)
        file.truncate(size + zeros)
    assert read(path) == ([0], [Damage(path, size, Reason.TORN_TAIL, 1, None)])


def test_a_reader_beside_the_writer_sees_every_record_and_no_damage(tmp_path: Path, seed: int) -> None:
    dice, over = random.Random(seed), threading.Event()
    with JournalWriter(tmp_path, ROOM) as writer:

        def write() -> None:
            number = 0
            while number < 1_000:
                size = dice.randrange(1, 4)
                writer.append([delivery(number + n, b"z" * dice.randrange(900)) for n in range(size)])
                number += size
            over.set()

        thread = threading.Thread(target=write)
        thread.start()
        while not over.is_set():
            positions, damage = read(writer.path)
            assert damage == []
            assert positions == list(range(len(positions)))
        thread.join()
        assert len(read(writer.path)[0]) >= 1_000
