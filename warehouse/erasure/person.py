"""Finds out by what a person is known: from one id or e-mail address to all ids, addresses and orders that are theirs.

An address leads from a customer to others with the same one, and to orders of guests. It never leads to an order that
names another customer: what a shop assistant types in for many people would make one person of them.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import duckdb
import msgspec

from warehouse.contract.events import Who
from warehouse.personal.ledger import Identity
from warehouse.personal.named import Named, Parsed, named_in, parse
from warehouse.personal.texts import comparable, email_key

ROWS_A_STEP: Final = 2_000
# Words of a search that are taken at once; a longer pattern would not fit DuckDB's bounds.
WORDS: Final = 200
# What was escaped has to be read to be compared.
CANDIDATES: Final = r"""
    select journal, position, tenant, name, coalesce(encode(body), raw_body)
    from lake.log.events
    where body is null or contains(body, '\u') or contains(body, '%') or regexp_matches(lower(body), ?)
"""


class Wanted(msgspec.Struct, frozen=True):
    """Who is to be erased: by the id of a customer or an employee, or by an e-mail address; of one tenant or of any."""

    who: Who | None = None
    id: str | None = None
    email: str | None = None
    tenant: str | None = None


def find_person(con: duckdb.DuckDBPyConnection, wanted: Wanted) -> list[Identity]:
    """The person of each tenant who is meant, as customer, as employee or as both; empty when nobody is.

    Raises duckdb.Error when the log cannot be read.
    """
    people: dict[tuple[str, Who], _Person] = {}
    loose: set[str] = set()
    words = {wanted.email or wanted.id or ""}
    known: set[str] = set()
    while words := words - known:
        known |= words
        candidates = [one for one in _candidates(con, words) if wanted.tenant in (None, one[0])]
        # What one delivery adds may make another one theirs that came before it.
        while sum(_take(people, wanted, *one) for one in candidates):
            pass
        loose |= {tenant or "" for tenant, parsed, named in candidates if _is_loosely(wanted, parsed, named)}
        words = {word for person in people.values() for word in person.words()}
    if people:
        return [Identity(who, tenant, person.named) for (tenant, who), person in sorted(people.items())]
    # Only what is no event names them.
    return [Identity(wanted.who or "customer", tenant, _seed(wanted)) for tenant in sorted(loose)]


class _Person:
    """What is known of one person so far."""

    def __init__(self, who: Who, wanted: Wanted) -> None:
        self.who = who
        self.named = _seed(wanted)

    def words(self) -> set[str]:
        """Everything that may lead to more."""
        named = self.named
        return named.customers | named.addresses | named.employees | named.emails | named.staff_emails

    def take(self, parsed: Parsed, other: Named) -> bool:
        """Add what a delivery says of them, if it is theirs; whether that was anything."""
        before = msgspec.structs.astuple(self.named)
        sizes = [len(values) for values in before]
        (self._take_staff if self.who == "employee" else self._take_customer)(parsed, other)
        return [len(values) for values in msgspec.structs.astuple(self.named)] != sizes

    def _take_staff(self, parsed: Parsed, other: Named) -> None:
        mine = self.named
        assert parsed.event is not None
        is_mine = other.employees & mine.employees or other.staff_emails & mine.staff_emails
        if parsed.event.family == "employee" and is_mine:
            mine.employees |= other.employees
            mine.staff_emails |= other.staff_emails
            mine.phones |= other.phones

    def _take_customer(self, parsed: Parsed, other: Named) -> None:
        mine = self.named
        assert parsed.event is not None
        by_id = bool(other.customers & mine.customers)
        if parsed.event.family == "customer":
            if by_id or other.emails & mine.emails:
                mine.customers |= other.customers
                mine.emails |= other.emails
                mine.phones |= other.phones
        elif parsed.event.family == "address":
            if by_id or other.addresses & mine.addresses:
                mine.addresses |= other.addresses
                mine.phones |= other.phones
        elif by_id or (other.emails & mine.emails and not other.customers - mine.customers):
            mine.orders |= other.orders


def _take(
    people: dict[tuple[str, Who], _Person], wanted: Wanted, tenant: str | None, parsed: Parsed, named: Named
) -> bool:
    """Take one delivery up; whether somebody is known better by it."""
    if parsed.event is None:
        return False
    changed = False
    kinds: tuple[Who, ...] = (wanted.who,) if wanted.who else ("customer", "employee")
    for who in kinds:
        place = (tenant or "", who)
        person = people.get(place) or _Person(who, wanted)
        is_named = bool(
            person.named.customers & named.customers
            or person.named.employees & named.employees
            or (who == "customer" and person.named.emails & named.emails)
            or (who == "employee" and person.named.staff_emails & named.staff_emails)
        )
        if is_named:
            changed |= people.setdefault(place, person) is person and person.take(parsed, named)
    return changed


def _is_loosely(wanted: Wanted, parsed: Parsed, named: Named) -> bool:
    if parsed.event is not None:
        return False
    return wanted.id in named.loose or (wanted.email is not None and email_key(wanted.email) in named.emails)


def _seed(wanted: Wanted) -> Named:
    ids = {wanted.id} if wanted.id else set[str]()
    emails = {email_key(wanted.email)} if wanted.email else set[str]()
    is_staff = wanted.who == "employee"
    return Named(
        customers=set() if is_staff else set(ids),
        addresses=set(),
        employees=set(ids) if is_staff else set(),
        emails=set(emails),
        staff_emails=set(emails),
        phones=set(),
        orders=set(),
        loose=set(),
    )


def _candidates(con: duckdb.DuckDBPyConnection, words: Iterable[str]) -> list[tuple[str | None, Parsed, Named]]:
    """The deliveries that may have one of these words, each once."""
    found: dict[tuple[str, int], tuple[str | None, Parsed, Named]] = {}
    ordered = sorted(words)
    for start in range(0, len(ordered), WORDS):
        part = [comparable(word) for word in ordered[start : start + WORDS]]
        pattern = "|".join(map(_literally, part))
        for journal, position, tenant, name, body in _rows(con, CANDIDATES, pattern):
            content = bytes(body or b"")
            parsed = parse(content, name)
            named = named_in(parsed, content)
            if parsed.event is not None or _mentions(named, part):
                found[journal, position] = (tenant, parsed, named)
    return list(found.values())


def _mentions(named: Named, words: Iterable[str]) -> bool:
    loose = {comparable(text) for text in named.loose} | named.emails
    return any(word in loose for word in words)


def _rows(con: duckdb.DuckDBPyConnection, query: str, pattern: str) -> Iterator[tuple[Any, ...]]:
    result = con.cursor().execute(query, [pattern])
    while rows := result.fetchmany(ROWS_A_STEP):
        yield from rows


def _literally(text: str) -> str:
    """A pattern for DuckDB that fits this text alone."""
    return "".join(letter if letter.isalnum() else rf"\x{{{ord(letter):x}}}" for letter in text)
