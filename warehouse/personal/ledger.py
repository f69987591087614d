"""Remembers who was erased, without knowing who that was: so that nobody comes back with what is delivered again.

The ledger holds keyed hashes of a person's ids, e-mail addresses, phone numbers and orders, and a secret for each
person from which pseudonyms are made. It is on the disk before anything is erased, so an erasure that died goes on.
"""

import hmac
import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from warehouse.contract.events import Who
from warehouse.contract.keys import escape
from warehouse.delivery.delivery import Delivery
from warehouse.delivery.envelope import decode
from warehouse.errors import NoteError
from warehouse.personal.erasing import PREFIX, SHORTEST_ID, Erasing, is_pseudonym
from warehouse.personal.named import Named, Parsed, named_in, parse
from warehouse.personal.texts import emails_in, readable
from warehouse.settings import Settings
from warehouse.system.disk import make_folder, sync_file_at, sync_folder
from warehouse.system.note_file import utc_now, utc_seconds

FILE: Final = "erasures.json"
# Hex digits of a keyed hash, and of a pseudonym: no two values are ever taken for one.
DIGITS: Final = 32
PSEUDONYM_DIGITS: Final = 24


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was erased: `known` are hashes of what tells that a delivery is about them, `secret` makes their
    pseudonyms. `finished_at` is None until nothing of them is left in the home."""

    id: str
    who: Who
    tenant: str
    at: str
    secret: str
    known: tuple[str, ...]
    finished_at: str | None = None

    @property
    def at_micros(self) -> int:
        """When it was asked for, in microseconds since 1970."""
        return int(utc_seconds(self.at) * 1_000_000)


class Identity(msgspec.Struct, frozen=True):
    """All by which one person of a tenant is known, and the orders that are theirs."""

    who: Who
    tenant: str
    named: Named


class _File(msgspec.Struct):
    key: str
    erased: list[Erased]


class Ledger:
    """The ledger of a home as it is at this moment; false when nobody was erased. Raises NoteError."""

    def __init__(self, settings: Settings) -> None:
        self._path = ledger_path(settings)
        self._file = _read(self._path)
        self._index: dict[str, Erased] = {}
        for one in self._file.erased:
            self._index.update(dict.fromkeys(one.known, one))
        self._tenants = sorted({one.tenant for one in self._file.erased})

    def __bool__(self) -> bool:
        return bool(self._file.erased)

    @property
    def erased(self) -> tuple[Erased, ...]:
        """Everybody who was erased, in the order of their erasures."""
        return tuple(self._file.erased)

    @property
    def open(self) -> tuple[Erased, ...]:
        """Those whose erasure began and has not come to its end."""
        return tuple(one for one in self._file.erased if one.finished_at is None)

    def knows(self, kind: str, tenant: str, value: str) -> Erased | None:
        """Who was erased and had this id, e-mail address, phone number or order; None when nobody did."""
        return self._index.get(self._key(kind, tenant, value))

    def add(self, persons: Iterable[Identity], *, for_good: bool = True) -> list[Erased]:
        """Remember persons; returns when that is on the disk, unless they are only to be looked for. Raises OSError."""
        at = utc_now()
        added = []
        for person in persons:
            known = {self._key(kind, person.tenant, value) for kind, value in _values(person)}
            one = Erased(
                id=f"{at[:10]}-{secrets.token_hex(6)}",
                who=person.who,
                tenant=person.tenant,
                at=at,
                secret=secrets.token_hex(32),
                known=tuple(sorted(known - self._index.keys())),
            )
            if one.known:
                self._index.update(dict.fromkeys(one.known, one))
                added.append(one)
        self._tenants = sorted({*self._tenants, *(one.tenant for one in added)})
        self._file.erased += added
        if for_good:
            self._save(self._file.erased)
        return added

    def reopen(self) -> None:
        """Have everybody erased once more, in a home into which an earlier state came back. Raises OSError."""
        self._save([msgspec.structs.replace(one, finished_at=None) for one in self._file.erased])

    def finish(self, ids: Iterable[str]) -> None:
        """Note that nothing of these is left. Raises OSError."""
        done, now = set(ids), utc_now()
        self._save(
            [msgspec.structs.replace(one, finished_at=now) if one.id in done else one for one in self._file.erased]
        )

    def applied(self, delivery: Delivery) -> Delivery:
        """The delivery without those who were erased; the very same one when it names none of them."""
        return self.erase(delivery)[0]

    def erase(self, delivery: Delivery) -> tuple[Delivery, tuple[str, ...]]:
        """The delivery without those who were erased, and the paths of what was taken from it, if anything was."""
        if not self:
            return delivery, ()
        parsed = parse(delivery.body, delivery.name)
        named = named_in(parsed, delivery.body)
        persons = self._persons_in(delivery, parsed, named)
        if not persons and not self._is_mentioned_in(delivery, parsed):
            return delivery, ()
        parsed = parse(delivery.body, delivery.name, exact=True)
        tenant = delivery.tenant or ""
        replaced: dict[str, str] = {}

        def pseudonym(who: Who, kind: str, value: str) -> str:
            person = self.knows(_kind(who, kind), tenant, value) or persons[who]
            made = PREFIX + _mac(person.secret, f"{kind}|{value}")[:PSEUDONYM_DIGITS]
            replaced[value] = made
            return made

        def is_erased_email(email: str) -> bool:
            return any(self.knows(kind, tenant, email) for kind in ("email", "staff"))

        erasing = Erasing(parsed, delivery.body, frozenset(persons), pseudonym, is_erased_email)
        body = erasing.run()
        if body is None:
            return delivery, ()
        return _rebuilt(delivery, parsed, body, replaced), tuple(erasing.fields)

    def _persons_in(self, delivery: Delivery, parsed: Parsed, named: Named) -> dict[Who, Erased]:
        """Whom a delivery is about, of those who were erased."""
        if parsed.event is None:
            found = [
                self._loosely(tenant, named) for tenant in ([delivery.tenant] if delivery.tenant else self._tenants)
            ]
            return {who: one for some in found for who, one in some.items()}
        tenant = delivery.tenant or ""
        times = [time for time in (delivery.published_at, delivery.received_at) if time is not None]
        persons: dict[Who, Erased] = {}

        def look(who: Who, kind: str, values: set[str], *, earlier_only: bool = False) -> None:
            for value in values:
                one = self.knows(kind, tenant, value)
                if one is not None and not (earlier_only and min(times) > one.at_micros):
                    persons.setdefault(who, one)

        look("employee", "employee", named.employees)
        look("employee", "staff", named.staff_emails, earlier_only=True)
        look("customer", "customer", named.customers)
        look("customer", "address", named.addresses)
        # Who names another customer is about that one, though the order or the address of a letter be shared.
        others = {one for one in named.customers if not is_pseudonym(one) and not self.knows("customer", tenant, one)}
        if not others:
            look("customer", "order", named.orders)
            look("customer", "email", named.emails, earlier_only=True)
            if not named.customers and not named.emails:
                look("customer", "phone", named.phones, earlier_only=True)
        return persons

    def _is_mentioned_in(self, delivery: Delivery, parsed: Parsed) -> bool:
        """Whether an event that is about nobody who was erased has the e-mail address of one all the same."""
        if parsed.event is None:
            return False
        tenant = delivery.tenant or ""
        times = [time for time in (delivery.published_at, delivery.received_at) if time is not None]
        for email in emails_in(readable(delivery.body)):
            one = self.knows("email", tenant, email) or self.knows("staff", tenant, email)
            if one is not None and min(times) <= one.at_micros:
                return True
        return False

    def _loosely(self, tenant: str, named: Named) -> dict[Who, Erased]:
        persons: dict[Who, Erased] = {}
        ids = {text for text in named.loose if len(text) >= SHORTEST_ID}
        for kind, values in (
            *((kind, ids) for kind in ("customer", "address", "employee", "order")),
            ("email", named.emails),
            ("staff", named.emails),
            ("phone", named.phones),
        ):
            for value in values:
                one = self.knows(kind, tenant, value)
                if one is not None:
                    persons[one.who] = one
        return persons

    def _key(self, kind: str, tenant: str, value: str) -> str:
        return _mac(self._file.key, f"{kind}|{tenant}|{value}")[:DIGITS]

    def _save(self, erased: list[Erased]) -> None:
        self._file.erased = erased
        make_folder(self._path.parent)
        draft = self._path.with_suffix(".tmp")
        draft.write_bytes(msgspec.json.encode(self._file))
        sync_file_at(draft)
        draft.replace(self._path)
        sync_folder(self._path.parent)


def ledger_path(settings: Settings) -> Path:
    """Where the ledger is."""
    return settings.home / FILE


def newest_erasure(settings: Settings) -> datetime | None:
    """When somebody was last erased here; None when nobody was, or the ledger cannot be read."""
    try:
        erased = _read(ledger_path(settings)).erased
    except NoteError:
        return None
    return max((datetime.fromisoformat(one.finished_at or one.at) for one in erased), default=None)


def _read(path: Path) -> _File:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return _File(secrets.token_hex(32), [])
    except (OSError, msgspec.MsgspecError) as error:
        # Without it somebody who was erased would come back unnoticed.
        raise NoteError(
            "the ledger of erasures cannot be read.", "give this user the right to read it, or put it back", where=path
        ) from error


def _values(person: Identity) -> Iterator[tuple[str, str]]:
    named = person.named
    staff = person.who == "employee"
    kinds = (
        ("customer", named.customers),
        ("address", named.addresses),
        ("employee", named.employees),
        ("staff" if staff else "email", named.staff_emails if staff else named.emails),
        ("phone", named.phones),
        ("order", named.orders),
    )
    for kind, values in kinds:
        yield from ((kind, value) for value in values)


def _kind(who: Who, kind: str) -> str:
    return "staff" if (who, kind) == ("employee", "email") else kind


def _mac(key: str, text: str) -> str:
    return hmac.digest(key.encode(), text.encode("utf-8", "surrogatepass"), "sha256").hex()


def _rebuilt(delivery: Delivery, parsed: Parsed, body: bytes, replaced: dict[str, str]) -> Delivery:
    """The delivery with another body, and with a key that has the pseudonyms of the ids in it."""
    if parsed.event is None:
        read = decode(body, delivery.received_at)
        return msgspec.structs.replace(delivery, tenant=read.tenant, name=read.name, idempotency_key=None, body=body)
    key = delivery.idempotency_key
    if key is not None:
        spelled = {escape(value): escape(made) for value, made in replaced.items()}
        parts = (",".join(spelled.get(text, text) for text in part.split(",")) for part in key.split("/"))
        key = "/".join(parts)
    return msgspec.structs.replace(delivery, idempotency_key=key, body=body)
