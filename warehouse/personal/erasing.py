"""A body without a person: the fields that the contract calls personal are empty or hold another value, all else stays.

Ids and e-mail addresses become pseudonyms, so that what belongs together still does. What is no event loses its
payload, and what is no JSON all of it: nobody could tell what in it is of the person. An erased body carries the mark
by which its hash as first received is known. To erase twice changes nothing.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from warehouse.contract import EventContract, FieldType, ListOf, Record, Scalar
from warehouse.contract.events import PersonalField, Who
from warehouse.contract.keys import value_text
from warehouse.delivery.erased_mark import MEMBER, marked_body, received_hash
from warehouse.personal.named import Parsed, steps_of, values_at
from warehouse.personal.texts import comparable, email_key, emails_in, leaves

PREFIX: Final = "erased-"
# A domain that by RFC 2606 can never receive a letter.
DOMAIN: Final = "@erased.invalid"
# A shorter text stands in others by chance.
SHORTEST_VALUE: Final = 3
SHORTEST_ID: Final = 6
IDS: Final = ("customer", "address", "employee", "external")
# Families whose whole payload is about a person: of a field that no contract knows, nothing else can be supposed.
OF_PERSONS: Final = ("customer", "address", "employee")

# The pseudonym of somebody's value of some kind.
Pseudonym = Callable[[Who, str, str], str]
IsErased = Callable[[str], bool]


def is_pseudonym(value: str) -> bool:
    """Whether a value took the place of a person's."""
    return value.startswith(PREFIX)


class Erasing:
    """One body on its way to be erased; `fields` are the paths that had something of the person."""

    def __init__(
        self, parsed: Parsed, body: bytes, who: frozenset[Who], pseudonym: Pseudonym, is_erased_email: IsErased
    ) -> None:
        self._parsed = parsed
        self._body = body
        self._who = who
        self._pseudonym = pseudonym
        self._is_erased_email = is_erased_email
        self._personal: dict[str, PersonalField] = {}
        self._left_alone: set[str] = set()
        self._family = ""
        self._values: re.Pattern[str] | None = None
        self._ids: re.Pattern[str] | None = None
        self.fields: dict[str, None] = {}

    def run(self) -> bytes | None:
        """The body without the person; None when nothing of one is in it."""
        first = received_hash(self._body)
        envelope = self._parsed.envelope
        if not isinstance(envelope, dict):
            self.fields["body"] = None
            return marked_body({}, first)
        if self._parsed.event is None:
            return self._without_payload(envelope, first)
        self._prepare(self._parsed.event, envelope["payload"])
        rest = {name: inner for name, inner in envelope.items() if name not in ("payload", MEMBER)}
        payload = self._record(envelope["payload"], self._parsed.event.fields, "")
        rest = {name: self._unknown(inner, name, known=True) for name, inner in rest.items()}
        return marked_body({**rest, "payload": payload}, first) if self.fields else None

    def _without_payload(self, envelope: dict[str, Any], first: str | None) -> bytes | None:
        kept = {name: envelope[name] for name in ("tenant", "name", "published_at") if name in envelope}
        # Whoever put a person there did not write an envelope.
        kept = {name: value for name, value in kept.items() if isinstance(value, str) and "@" not in comparable(value)}
        kept["payload"] = {}
        if set(envelope) - {MEMBER} <= kept.keys() and envelope.get("payload") == {}:
            return None
        self.fields["payload"] = None
        return marked_body(kept, first)

    def _prepare(self, event: EventContract, payload: Any) -> None:
        self._family = event.family
        self._personal = {field.path: field for field in event.personal if field.who in self._who}
        self._left_alone = {*event.entities.values(), *(part.removesuffix("?") for part in event.key)}
        found, ids = set[str](), set[str]()
        for field in self._personal.values():
            if field.kind == "mention":
                continue
            for value in values_at(payload, steps_of(field.path)):
                texts = {comparable(text).strip() for text in leaves(value)}
                found |= {text for text in texts if len(text) >= SHORTEST_VALUE}
                if field.kind in (*IDS, "email", "phone"):
                    ids |= {text for text in texts if len(text) >= SHORTEST_ID and not is_pseudonym(text)}
        self._values, self._ids = _any_of(found | ids), _any_of(ids)

    def _walk(self, value: Any, field: FieldType, path: str) -> Any:
        personal = self._personal.get(path)
        if personal is not None:
            return self._erase(value, personal)
        if isinstance(field, Record):
            return self._record(value, field, path) if isinstance(value, dict) else self._unknown(value, path)
        if isinstance(field, ListOf):
            if isinstance(value, list):
                return [self._walk(each, field.element, f"{path}[]") for each in value]
            if isinstance(value, dict) and field.by_name:
                return {name: self._walk(each, field.element, f"{path}[]") for name, each in value.items()}
            return self._unknown(value, path, known=True)
        if path in self._left_alone or field in (Scalar.TIME, Scalar.UUID):
            return value
        if isinstance(value, str):
            return None if self._holds(value, self._ids) and self._note(path) else value
        return self._unknown(value, path, known=True) if isinstance(value, dict | list) else value

    def _record(self, value: dict[str, Any], record: Record, path: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, inner in value.items():
            known = record.aliases.get(name, name)
            at = f"{path}.{known}" if path else known
            if known in record.fields:
                result[name] = self._walk(inner, record.fields[known], at)
            else:
                result[name] = self._unknown(inner, at)
        return result

    def _erase(self, value: Any, field: PersonalField) -> Any:
        """What takes the place of a personal value."""
        if field.kind == "mention":
            return self._without_mentions(value, field.path)
        if value in (None, "", [], {}):
            return value
        text = value_text(value)
        if is_pseudonym(text):
            return value
        self.fields[field.path] = None
        if field.kind in IDS and text:
            return self._pseudonym(field.who, field.kind, text)
        if field.kind == "email" and email_key(text):
            return self._pseudonym(field.who, "email", email_key(text)) + DOMAIN
        return None

    def _without_mentions(self, value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return {name: self._without_mentions(inner, path) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._without_mentions(inner, path) for inner in value]
        if isinstance(value, str) and self._holds(value, self._values) and self._note(path):
            return None
        return value

    def _unknown(self, value: Any, path: str, *, known: bool = False) -> Any:
        """What no contract describes: without what the person's other fields have, and in what is about the person
        without any text. It stays a text, so that it is reported as the drift that it is."""
        if isinstance(value, dict):
            return {
                name: self._unknown(inner, f"{path}.{name}", known=known)
                for name, inner in value.items()
                if not (self._holds(name, self._values) and self._note(path))
            }
        if isinstance(value, list):
            return [self._unknown(inner, f"{path}[]", known=known) for inner in value]
        is_about = not known and self._family in OF_PERSONS and self._is_about_them()
        named = not known and path.rpartition(".")[2] in self._names()
        if isinstance(value, str) and value and not is_pseudonym(value):
            if is_about or named or self._holds(value, self._values):
                self._note(path)
                return ""
        elif value is not None and not isinstance(value, bool | str) and self._holds(value_text(value), self._values):
            self._note(path)
            return 0
        return value

    def _is_about_them(self) -> bool:
        return ("employee" if self._family == "employee" else "customer") in self._who

    def _names(self) -> set[str]:
        return {path.rpartition(".")[2] for path, field in self._personal.items() if field.kind != "mention"} - {"id"}

    def _holds(self, text: str, values: re.Pattern[str] | None) -> bool:
        if not text or is_pseudonym(text):
            return False
        plain = comparable(text)
        return bool(values and values.search(plain)) or (
            "@" in plain and any(map(self._is_erased_email, emails_in(plain)))
        )

    def _note(self, path: str) -> bool:
        self.fields[path] = None
        return True


def _any_of(values: set[str]) -> re.Pattern[str] | None:
    """A pattern that finds any of these values where it stands as a word of its own."""
    if not values:
        return None
    longest_first = sorted(values, key=lambda value: (-len(value), value))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
