"""Who a case is about: found through a keyed index, read from what was disclosed, never from the events."""

import hmac
from collections.abc import Iterable, Mapping
from hashlib import sha256

from jiexu.journal.port import DisclosureRow
from jiexu.rules.facts import Identity
from jiexu.rules.identity import normalised

PERSON_FIELDS = ("person.name", "person.document_number")


def person_key(index_key: bytes, document_type: str, document_number: str) -> str:
    """The keyed index of a person: HMAC-SHA-256 of type and number under the region's own key, in hex."""
    text = f"{document_type}|{normalised(document_number)}"
    return hmac.new(index_key, text.encode(), sha256).hexdigest()


def values_of(rows: Iterable[DisclosureRow]) -> dict[tuple[str, str], str]:
    """Disclosed values by (event id, field); erased ones are left out."""
    return {(row.event_id, row.field): row.value for row in rows if row.value is not None}


def identity_from(document_type: str, event_id: str, values: Mapping[tuple[str, str], str]) -> Identity | None:
    """The person that an event's disclosures name, None while a value is missing or erased."""
    name, number = (values.get((event_id, path)) for path in PERSON_FIELDS)
    return None if name is None or number is None else Identity(name, document_type, number)
