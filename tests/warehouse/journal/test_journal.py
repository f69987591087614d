import errno
import os
import random
import subprocess
import sys
import textwrap
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warehouse.delivery.delivery import Delivery, Problem
from warehouse.errors import JournalCorrupt, JournalError
from warehouse.journal import Damage, Journal, JournalWriter, Reason, list_journals, read_journal
from warehouse.journal.record import CHECKSUM, HEAD, HEADER, MAGIC, SYNC, VERSION, pack_records, seed_of

BODY = '{"tenant":"t","name":"order.created","payload":{"id":"é"}}'.encode()


def delivery(body: bytes = BODY, received_at: int = 1) -> Delivery:
    return Delivery(received_at, "t", "order.created", "1", 1_700_000_000_000_000, None, body)


def write(folder: Path, *groups: list[Delivery]) -> Path:
    with JournalWriter(folder) as writer:
        for group in groups:
            writer.append(group)
        return writer.path


def read(path: Path) -> tuple[list[tuple[int, Delivery]], list[Damage]]:
    damage: list[Damage] = []
    return list(read_journal(path, on_damage=damage.append)), damage


def refuse(damage: Damage) -> None:
    pytest.fail(str(damage))


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    first = [delivery(b""), delivery(b"\x00\xff\xfe"), delivery("\ufeff{}".encode())]
    second = [Delivery(5, None, None, None, None, Problem.NOT_UTF8, SYNC * 20)]
    with JournalWriter(tmp_path / "a" / "journal") as writer:
        assert writer.append(first) == 0
        assert writer.append(second) == 3
        assert writer.append([]) == 4
        path = writer.path
    assert list(read_journal(path)) == list(enumerate(first + second))
    assert list(read_journal(path, after=1)) == [(2, first[2]), (3, second[0])]


def test_bodies_larger_than_what_is_read_at_once(tmp_path: Path) -> None:
    bodies = [os.urandom(5_000_000), b"x" * 64 * 2**20, b"y" * (4 * 2**20 - 3), b"z"]
    path = write(tmp_path, [delivery(body) for body in bodies])
    assert [found.body for _, found in read_journal(path)] == bodies


def test_names_sort_by_time_and_never_repeat(tmp_path: Path) -> None:
    paths = [write(tmp_path) for _ in range(30)]
    assert list_journals(tmp_path) == paths
    assert len(set(paths)) == 30


def test_a_folder_that_does_not_exist_holds_no_journals(tmp_path: Path) -> None:
    assert list_journals(tmp_path / "nowhere") == []


@given(
    st.lists(
        st.builds(
            Delivery,
            received_at=st.integers(-(2**62), 2**62),
            tenant=st.none() | st.text(),
            name=st.none() | st.text(),
            idempotency_key=st.none() | st.text(),
            published_at=st.none() | st.integers(-(2**62), 2**62),
            problem=st.none() | st.sampled_from(Problem),
            body=st.binary() | st.just(SYNC) | st.just(pack_records([delivery()], 3, seed_of("other"))),
        ),
        max_size=8,
    )
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_delivery_survives(tmp_path: Path, deliveries: list[Delivery]) -> None:
    path = write(tmp_path, deliveries[:3], deliveries[3:])
    assert list(read_journal(path)) == list(enumerate(deliveries))


def test_a_live_journal_is_told_from_a_dead_one(tmp_path: Path) -> None:
    with JournalWriter(tmp_path) as writer:
        writer.append([delivery()])
        with Journal(writer.path) as journal, Journal(writer.path) as second:
            assert journal.live
            assert second.live
    with Journal(writer.path) as journal, Journal(writer.path) as second:
        assert not journal.live
        assert not second.live


def test_a_journal_of_a_killed_process_is_dead_and_whole(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        from warehouse.delivery.delivery import Delivery
        from warehouse.journal import JournalWriter
        writer = JournalWriter(Path(sys.argv[1]))
        writer.append([Delivery(1, "t", "n", "k", 2, None, b"{}")] * 3)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    (path,) = list_journals(tmp_path)
    with Journal(path) as journal:
        assert not journal.live
    assert len(list(read_journal(path))) == 3


def test_the_end_of_a_live_journal_may_be_unfinished(tmp_path: Path) -> None:
    with JournalWriter(tmp_path) as writer:
        writer.append([delivery(), delivery()])
        size = writer.path.stat().st_size
        with writer.path.open("ab") as file:
            file.write(pack_records([delivery()], 2, seed_of(writer.name))[:-1])
        found, damage = read(writer.path)
        assert (len(found), damage) == (2, [])
    found, damage = read(writer.path)
    assert (len(found), damage) == (2, [Damage(writer.path, size, Reason.TORN_TAIL, 2, None)])


def test_reading_goes_on_from_a_mark(tmp_path: Path) -> None:
    with JournalWriter(tmp_path) as writer:
        writer.append([delivery(received_at=n) for n in range(10)])
        with Journal(writer.path) as journal:
            assert [position for position, *_ in journal.records(refuse)] == list(range(10))
            mark = journal.mark
        writer.append([delivery(received_at=n) for n in range(10, 13)])
        with Journal(writer.path) as journal:
            assert [(position, meta[0]) for position, meta, _ in journal.records(refuse, mark)] == [
                (10, 10),
                (11, 11),
                (12, 12),
            ]


def test_cut_off_at_every_byte(tmp_path: Path) -> None:
    deliveries = [delivery(bytes([n]) * n) for n in range(4)]
    path = write(tmp_path, deliveries)
    data = path.read_bytes()
    ends = [0] * 4
    with Journal(path) as journal:
        for position, *_ in journal.records(refuse):
            ends[position] = journal.mark.offset
    start = data.index(SYNC)
    for length in range(len(data)):
        path.write_bytes(data[:length])
        whole = sum(end <= length for end in ends)
        found, damage = read(path)
        assert found == list(enumerate(deliveries))[:whole]
        if length in (start, *ends):
            assert damage == []
        elif length < start:
            assert [(d.offset, d.reason) for d in damage] == [(0, Reason.HEADER)]
        else:
            offset = ends[whole - 1] if whole else start
            assert damage == [Damage(path, offset, Reason.TORN_TAIL, whole, None)]


@pytest.mark.parametrize("zeros", [1, 19, 20, 4096, 5 * 2**20])
def test_a_tail_of_zeros_is_torn(tmp_path: Path, zeros: int) -> None:
    path = write(tmp_path, [delivery()])
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(bytes(zeros))
    found, damage = read(path)
    assert len(found) == 1
    assert damage == [Damage(path, size, Reason.TORN_TAIL, 1, None)]


def test_flipped_bits_are_always_noticed(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    sys.stderr.write(f"seed {seed}\n")
    chance = random.Random(seed)
    deliveries = [delivery(chance.randbytes(chance.randrange(60)), n) for n in range(30)]
    path = write(tmp_path, deliveries[:10], deliveries[10:])
    data = path.read_bytes()
    whole = list(enumerate(deliveries))
    for _ in range(600):
        harmed = bytearray(data)
        for _ in range(chance.choice((1, 1, 1, 2, 40))):
            harmed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(harmed)
        found, damage = read(path)
        assert set(found) <= set(whole), "a delivery that was never written"
        assert [position for position, _ in found] == sorted({position for position, _ in found})
        assert damage or bytes(harmed) == data
        missing = {position for position, _ in whole} - {position for position, _ in found}
        assert missing == {
            position
            for d in damage
            if d.first_missing is not None
            for position in range(d.first_missing, (29 if d.last_missing is None else d.last_missing) + 1)
        }


def test_every_single_flipped_bit_costs_one_record_at_most(tmp_path: Path) -> None:
    deliveries = [delivery(bytes([n]) * 5) for n in range(3)]
    path = write(tmp_path, deliveries)
    data = path.read_bytes()
    for bit in range(len(data) * 8):
        harmed = bytearray(data)
        harmed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(harmed)
        found, damage = read(path)
        assert len(found) >= (3 if bit // 8 < data.index(SYNC) else 2)
        assert len(damage) == 1


def test_damage_in_the_middle_is_reported_and_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, [delivery(b"a" * 100), delivery(b"b" * 100), delivery(b"c" * 100), delivery(b"d" * 100)])
    data = bytearray(path.read_bytes())
    offset = data.index(b"b" * 100)
    data[offset] = 0
    record = data.rindex(SYNC, 0, offset)
    path.write_bytes(data)
    found, damage = read(path)
    assert [position for position, _ in found] == [0, 2, 3]
    assert damage == [Damage(path, record, Reason.CORRUPT, 1, 1)]
    assert str(damage[0]) == f"{path}: corrupt at byte {record}: deliveries 1 to 1 are missing"
    with pytest.raises(JournalCorrupt, match=f"corrupt at byte {record}"):
        list(read_journal(path))


def test_a_record_that_was_cut_out_is_a_gap(tmp_path: Path) -> None:
    path = write(tmp_path, [delivery(), delivery(), delivery()])
    data = path.read_bytes()
    first = data.index(SYNC)
    second = data.index(SYNC, first + 1)
    path.write_bytes(data[:first] + data[second:])
    found, damage = read(path)
    assert [position for position, _ in found] == [1, 2]
    assert damage == [Damage(path, first, Reason.GAP, 0, 0)]


def test_a_record_that_comes_twice_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path, [delivery(), delivery()])
    data = path.read_bytes()
    first = data.index(SYNC)
    second = data.index(SYNC, first + 1)
    path.write_bytes(data[:second] + data[first:])
    found, damage = read(path)
    assert [position for position, _ in found] == [0, 1]
    assert damage == [Damage(path, second, Reason.CORRUPT, None, None)]


def test_a_record_of_another_journal_is_none_of_this_one(tmp_path: Path) -> None:
    path = write(tmp_path, [delivery()])
    with path.open("ab") as file:
        file.write(pack_records([delivery()], 1, seed_of("another")))
    found, damage = read(path)
    assert len(found) == 1
    assert [d.reason for d in damage] == [Reason.CORRUPT]


def test_a_body_cannot_pretend_to_be_a_record_after_damage(tmp_path: Path) -> None:
    forged = pack_records([delivery(b"forged")], 9, 0)
    path = write(tmp_path, [delivery(forged), delivery()])
    data = bytearray(path.read_bytes())
    data[data.index(SYNC) + HEAD.size] ^= 1
    path.write_bytes(data)
    found, _ = read(path)
    assert found == [(1, delivery())]


def test_a_length_out_of_all_proportion_takes_no_memory(tmp_path: Path) -> None:
    path = write(tmp_path, [delivery(), delivery()])
    data = bytearray(path.read_bytes())
    first = data.index(SYNC)
    data[first + 4 : first + 8] = (250 * 2**20).to_bytes(4, "little")
    path.write_bytes(data)
    os.truncate(path, 300 * 2**20)
    tracemalloc.start()
    found, damage = read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [position for position, _ in found] == [1]
    assert damage == [
        Damage(path, first, Reason.CORRUPT, 0, 0),
        Damage(path, len(data), Reason.TORN_TAIL, 2, None),
    ]
    assert peak < 32 * 2**20


def test_a_damaged_header_costs_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, [delivery()])
    data = path.read_bytes()
    path.write_bytes(b"\x00" * 8 + data[8:])
    found, damage = read(path)
    assert len(found) == 1
    assert damage == [Damage(path, 0, Reason.HEADER, None, None)]


@pytest.mark.parametrize("data", [b"", b"x", b"PAR1" * 100])
def test_a_file_that_is_no_journal(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.journal"
    path.write_bytes(data)
    assert read(path) == ([], [Damage(path, 0, Reason.HEADER, 0, None)])


def test_a_journal_of_a_later_version_is_refused(tmp_path: Path) -> None:
    header = HEADER.pack(MAGIC, VERSION + 1, 1) + b"a"
    path = tmp_path / "a.journal"
    path.write_bytes(header + CHECKSUM.pack(zlib.crc32(header)))
    with pytest.raises(JournalCorrupt, match=f"version {VERSION + 1}"):
        Journal(path)


def test_a_copy_under_another_name_is_the_same_journal(tmp_path: Path) -> None:
    path = write(tmp_path, [delivery()])
    renamed = path.rename(tmp_path / "copy.journal")
    with Journal(renamed) as journal:
        assert journal.name == path.stem
    assert len(list(read_journal(renamed))) == 1


def test_a_full_disk_fails_the_append_for_ever(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import errno, resource, signal, sys
        from pathlib import Path
        from warehouse.errors import JournalError
        from warehouse.delivery.delivery import Delivery
        from warehouse.journal import JournalWriter
        delivery = Delivery(1, "t", "n", "k", 2, None, b"x" * 1000)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        writer = JournalWriter(Path(sys.argv[1]))
        writer.append([delivery] * 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
        for expected in (errno.EFBIG, None, None):
            try:
                writer.append([delivery] * 4)
            except JournalError as error:
                assert error.errno == expected, error.errno
            else:
                raise AssertionError("acknowledged")
            assert not writer.sound
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        second = JournalWriter(Path(sys.argv[1]))
        second.append([delivery])
    """)
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    suspect, fresh = list_journals(tmp_path)
    # The first write was cut short after a whole record: it was not acknowledged, and may be kept all the same.
    found, damage = read(suspect)
    assert [position for position, _ in found] == [0, 1, 2]
    assert [(d.reason, d.first_missing) for d in damage] == [(Reason.TORN_TAIL, 3)]
    assert len(read(fresh)[0]) == 1


def test_a_failed_sync_fails_the_append_for_ever(tmp_path: Path) -> None:
    # A pipe takes the bytes and cannot be synced.
    reading, writing = os.pipe()
    writer = JournalWriter(tmp_path)
    os.dup2(writing, writer._descriptor)
    with pytest.raises(JournalError) as caught:
        writer.append([delivery()])
    assert caught.value.errno == errno.EINVAL
    with pytest.raises(JournalError, match="takes no more"):
        writer.append([delivery()])
    writer.close()
    os.close(reading)
    os.close(writing)


def test_a_full_device(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    device = os.open("/dev/full", os.O_WRONLY)
    os.dup2(device, writer._descriptor)
    os.close(device)
    with pytest.raises(JournalError) as caught:
        writer.append([delivery()])
    assert caught.value.errno == errno.ENOSPC
    assert "free space" in caught.value.hint
    assert "order.created" not in str(caught.value)
    writer.close()


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    writer.close()
    writer.close()
    with pytest.raises(JournalError):
        writer.append([delivery()])


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(JournalError, match="could not be created"):
        JournalWriter(tmp_path / "file" / "journal")


def test_a_journal_whose_header_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import resource, signal, sys
        from pathlib import Path
        from warehouse.errors import JournalError
        from warehouse.journal import JournalWriter
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        try:
            JournalWriter(Path(sys.argv[1]))
        except JournalError:
            sys.exit(7)
    """)
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == 7
    assert list(tmp_path.iterdir()) == []
