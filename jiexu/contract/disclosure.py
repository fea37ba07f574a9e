"""Personal values beside the signed event: the event holds salted digests, the values travel as disclosures.

So evidence can be given with fields withheld, and a value can be erased by law without breaking the chain.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from typing import Any

from jiexu.case.event import Event
from jiexu.contract.errors import contract_error
from jiexu.contract.schema_files import schema_store
from jiexu.contract.signed import prefixed

NAME = "jiexu/disclosure/1"
SALT_SIZE = 16

# Gives 16 bytes from a secure source at each call; an argument, so that what uses it stays reproducible in tests.
SaltSource = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One personal value: leaf of the bundle (from 0), field path, salt, value."""

    leaf: int
    field: str
    salt: bytes
    value: str

    def at(self, leaf: int) -> "Disclosure":
        """The same for another leaf of the bundle."""
        return replace(self, leaf=leaf)

    def as_values(self) -> dict[str, Any]:
        """The fields as the record names them."""
        return {"leaf": self.leaf, "field": self.field, "salt": self.salt, "value": self.value}


@dataclass(frozen=True, slots=True)
class DisclosureCheck:
    """What came beside an event: `accepted` match their digests; `problems` are (field, code) of the others.

    `missing` are the fields of the event whose value is not there. Codes: `unknown_field`, `twice`,
    `not_normalized`, `digest_differs`.
    """

    accepted: tuple[Disclosure, ...]
    problems: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]


_NOTHING = DisclosureCheck((), (), ())


def disclosure_digest(case_id: str, event_id: str, field: str, salt: bytes, value: str) -> bytes:
    """SHA-256 over the name, case id and event id (16 bytes each), field path, salt and value, length-prefixed.

    Raises ContractError `not_normalized` where the value is not NFC.
    """
    if not (value.isascii() or unicodedata.is_normalized("NFC", value)):
        raise contract_error("not_normalized", field)
    return _digest(bytes.fromhex(case_id), bytes.fromhex(event_id), field, salt, value)


def _digest(case_id: bytes, event_id: bytes, field: str, salt: bytes, value: str) -> bytes:
    # A lone surrogate has no UTF-8; it cannot come from the wire, and from a caller it is refused as text.
    try:
        text = value.encode()
    except UnicodeEncodeError as error:
        raise contract_error("invalid", f"{field}: not Unicode text") from error
    return sha256(prefixed([NAME.encode(), case_id, event_id, field.encode(), salt, text])).digest()


def disclose(
    case_id: str, event_id: str, type: str, values: Mapping[str, str], salt_source: SaltSource
) -> tuple[dict[str, bytes], tuple[Disclosure, ...]]:
    """Digests by field path and the disclosures (leaf 0) of these values, brought to NFC.

    Raises ContractError `invalid` for a path that holds no personal field of that type.
    """
    allowed = set(personal_fields(type))
    disclosures = []
    digests = {}
    for field, value in values.items():
        if _pattern(field) not in allowed:
            raise contract_error("invalid", f"{field}: not a personal field of {type}")
        one = Disclosure(0, field, salt_source(), unicodedata.normalize("NFC", value))
        if len(one.salt) != SALT_SIZE:
            raise contract_error("invalid", "salt: not 16 bytes")
        digests[field] = disclosure_digest(case_id, event_id, field, one.salt, one.value)
        disclosures.append(one)
    return digests, tuple(disclosures)


def conceal(
    case_id: str, event_id: str, type: str, body: Mapping[str, Any], salt_source: SaltSource
) -> tuple[dict[str, Any], tuple[Disclosure, ...]]:
    """A body with plain text where digests belong becomes a body with digests, and the disclosures (leaf 0).

    Digests (bytes) and None that stand there already are kept. The given body is not changed.
    """
    tree = personal_tree(type)
    values = {field: value for field, value in _walk(tree, body, "") if isinstance(value, str)}
    if not values:
        return dict(body), ()
    digests, disclosures = disclose(case_id, event_id, type, values, salt_source)
    return _filled(tree, body, "", digests), disclosures


def check_disclosures(event: Event, disclosures: Sequence[Disclosure]) -> DisclosureCheck:
    """Hold the values that came with an event against its digests; nothing is raised."""
    return check_values(event.case_id, event.event_id, event.type, event.body, disclosures)


def check_values(
    case: str, event: str, type: str, body: Mapping[str, Any], disclosures: Sequence[Disclosure]
) -> DisclosureCheck:
    """The same for an event that is still to be: its ids, type and body."""
    tree = personal_tree(type)
    if not tree and not disclosures:
        return _NOTHING
    expected = dict(_walk(tree, body, "")) if body else {}
    digests = {field: value for field, value in expected.items() if value is not None}
    accepted: dict[str, Disclosure] = {}
    problems: list[tuple[str, str]] = []
    case_id, event_id = bytes.fromhex(case), bytes.fromhex(event)
    for one in disclosures:
        if one.field not in digests:
            problems.append((one.field, "unknown_field"))
        elif one.field in accepted:
            problems.append((one.field, "twice"))
        elif not (one.value.isascii() or unicodedata.is_normalized("NFC", one.value)):
            problems.append((one.field, "not_normalized"))
        elif _digest(case_id, event_id, one.field, one.salt, one.value) != digests[one.field]:
            problems.append((one.field, "digest_differs"))
        else:
            accepted[one.field] = one
    missing = tuple([field for field in digests if field not in accepted])
    return DisclosureCheck(tuple(accepted.values()), tuple(problems), missing)


@lru_cache(maxsize=256)
def personal_fields(type: str) -> tuple[str, ...]:
    """Paths of the personal fields of an event type, `*` for a list index; empty where the type is not known."""

    def paths(tree: Any, prefix: str) -> list[str]:
        if tree is True:
            return [prefix]
        return [path for name, branch in tree.items() for path in paths(branch, f"{prefix}.{name}" if prefix else name)]

    return tuple(paths(personal_tree(type), ""))


@lru_cache(maxsize=256)
def personal_tree(type: str) -> dict[str, Any]:
    """The personal fields as nested names, `*` for the items of a list, True at the field itself."""
    published = schema_store().latest.get(type)
    if published is None:
        return {}
    named: dict[str, Any] = {}

    def tree(schema: Any) -> Any:
        if isinstance(schema, list):
            return next((found for found in map(tree, schema) if found), None)
        if isinstance(schema, str):
            return named.get(schema)
        if schema["type"] == "array":
            items = tree(schema["items"])
            return {"*": items} if items else None
        if schema["type"] == "fixed":
            found: Any = schema["name"] == "Digest" or None
        elif schema["type"] == "record":
            fields = {field["name"]: tree(field["type"]) for field in schema["fields"]}
            found = {name: branch for name, branch in fields.items() if branch} or None
        else:
            return None
        named[f"{schema['namespace']}.{schema['name']}"] = found
        return found

    return tree(published.schema) or {}


def _pattern(field: str) -> str:
    return ".".join("*" if part.isdecimal() else part for part in field.split("."))


def _walk(tree: Any, value: Any, prefix: str) -> list[tuple[str, Any]]:
    """The personal fields that a body has, with what stands there."""
    found: list[tuple[str, Any]] = []
    if "*" in tree:
        # What is not a list or a mapping here is refused by the body's model, which runs after this.
        for index, item in enumerate(value if isinstance(value, list | tuple) else ()):
            _walk_into(tree["*"], item, f"{prefix}{index}", found)
    elif isinstance(value, Mapping):
        for name, branch in tree.items():
            _walk_into(branch, value.get(name), f"{prefix}{name}", found)
    return found


def _walk_into(branch: Any, value: Any, path: str, found: list[tuple[str, Any]]) -> None:
    if value is None:
        return
    if branch is True:
        found.append((path, value))
    else:
        found += _walk(branch, value, f"{path}.")


def _filled(tree: Any, value: Any, prefix: str, digests: Mapping[str, bytes]) -> Any:
    if value is None or tree is None:
        return value
    if tree is True:
        return digests.get(prefix, value)
    if "*" in tree and isinstance(value, list | tuple):
        return [_filled(tree["*"], item, f"{prefix}.{i}", digests) for i, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    return {
        name: _filled(tree.get(name), item, f"{prefix}.{name}" if prefix else name, digests)
        for name, item in value.items()
    }
