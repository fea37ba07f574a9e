"""The state document of a case, versioned, and its hash: what two journals are compared by.

Same events, same document. Due dates, times and everything that depends on receipts or on the local clock stay out,
so that both sides of a case come to the same bytes; a new field is a new version and changes no old hash.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from jiexu.case.case import Case
from jiexu.case.money import money_account

VERSION = 1


def state_document(case: Case) -> dict[str, Any]:
    """The state as plain JSON values: parties, status, both hands with their last hash, the money account."""
    view = case.view
    account = money_account(view.outbound, view.inbound)
    return {
        "version": VERSION,
        "case_id": case.case_id,
        "parties": {role.value: party.region for role, party in case.parties.items()},
        "lodger": view.lodger.value if view.lodger else None,
        "status": view.status,
        "open": view.open,
        "completed_on": view.inbound.completed_on,
        "hands": {hand.value: {"seq": seen.seq, "hash": seen.hash.hex()} for hand, seen in sorted(case.last.items())},
        "void": sorted(case.voids),
        "outbound": _plain(view.outbound),
        "inbound": _plain(view.inbound),
        "money": _plain(account),
    }


def state_hash(case: Case) -> str:
    """SHA-256 of the document's canonical JSON (sorted keys, no spaces, UTF-8), in hex."""
    text = json.dumps(state_document(case), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return {name: _plain(getattr(value, name)) for name in _names(value.__class__)}
    return value


@cache
def _names(cls: type) -> tuple[str, ...]:
    # Not `dataclasses.asdict`: it copies every value before it is looked at, and took a third of a replay.
    return tuple(field.name for field in fields(cls))
