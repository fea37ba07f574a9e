"""What a line of the log says, as values, and its bytes: single-object records of the contract (`schemas/Ledger*`).

The records are those of the port, whose fields bear the schemas' names; what the port has as arguments only is a
record here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from jiexu.case.event import Event, Party, Seen
from jiexu.contract.errors import ContractError
from jiexu.contract.records import decode_record, encode_record
from jiexu.journal.columns import HANDS, ROLES
from jiexu.journal.port import Arrival, Fact, JournalConflict, NewBundle, NewClaim, NewEvent, ReceiptRow

Decode = Callable[[bytes], Event]
"""Reads an event's own bytes: the contract's `decode_event_trusted`."""


@dataclass(frozen=True, slots=True)
class ReceiptsSent:
    """A batch of receipts that went out; `positions` are those of its receipts' lines."""

    peer: Party
    batch: int
    positions: tuple[int, ...]
    payload: bytes


@dataclass(frozen=True, slots=True)
class ClaimsBegun:
    """Claims, by position, whose first act may have begun."""

    claims: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ClaimsEnded:
    """Claims, by position, that ended: `event` (it is in the log) or `freed` (no act took effect)."""

    claims: tuple[int, ...]
    how: str


LineRecord = NewEvent | NewBundle | ReceiptRow | ReceiptsSent | Fact | NewClaim | ClaimsBegun | ClaimsEnded

KINDS: Mapping[type, str] = {
    NewEvent: "event",
    NewBundle: "bundle",
    ReceiptRow: "receipt",
    ReceiptsSent: "receipts_sent",
    Fact: "fact",
    NewClaim: "claim",
    ClaimsBegun: "claim_begun",
    ClaimsEnded: "claim_ended",
}
"""The kind of line that each record makes."""

_SCHEMAS = {
    "event": "LedgerEvent",
    "bundle": "LedgerBundle",
    "receipt": "LedgerReceipt",
    "receipts_sent": "LedgerReceiptsSent",
    "fact": "LedgerFact",
    "claim": "LedgerClaim",
    "claim_begun": "LedgerClaimBegun",
    "claim_ended": "LedgerClaimEnded",
}


class _EventLine(NamedTuple):
    """`LedgerEvent` as the encoder reads it: what the port calls `bytes` is the line's `event`."""

    event: bytes
    void: bool
    arrival: Arrival | None


def encode_line(record: LineRecord) -> bytes:
    """The payload of a line. Of an event it is the only place where the event's own bytes stand."""
    value: Any = record
    if isinstance(record, NewEvent):
        value = _EventLine(record.bytes, record.void, record.arrival)
    elif isinstance(record, ReceiptRow) and record.given and record.batch is not None:
        value = replace(record, batch=None)  # the sending of a given receipt is a line of its own
    return encode_record(_SCHEMAS[KINDS[type(record)]], value)


def decode_line(kind: str, payload: bytes, decode: Decode) -> LineRecord:
    """What a line says. Raises JournalConflict where kind and payload do not fit, or the schema is unknown here."""
    try:
        value = decode_record(payload, _SCHEMAS[kind])
    except KeyError:
        raise JournalConflict(f"a log line of unknown kind {kind}: written by a newer version?") from None
    except ContractError as error:
        raise JournalConflict(f"a log line of kind {kind} cannot be read: {error}") from error
    return _FROM_VALUES[kind](value, decode)


def line_event(payload: bytes) -> bytes:
    """The event's own bytes in the payload of its line, nothing of it decoded."""
    event_bytes: bytes = decode_record(payload, "LedgerEvent")["event"]
    return event_bytes


def _party(value: Mapping[str, Any]) -> Party:
    return Party(value["region"], ROLES[value["role"]])


def _arrival(value: Mapping[str, Any] | None) -> Arrival | None:
    return None if value is None else Arrival(**value)


def _event(value: dict[str, Any], decode: Decode) -> NewEvent:
    event_bytes: bytes = value["event"]
    return NewEvent(event_bytes, decode(event_bytes), value["void"], _arrival(value["arrival"]))


def _bundle(value: dict[str, Any], decode: Decode) -> NewBundle:
    destination = value["destination"]
    return NewBundle(
        skeleton=value["skeleton"],
        issuer=_party(value["issuer"]),
        positions=tuple(value["positions"]),
        destination=None if destination is None else _party(destination),
        partition=value["partition"],
        arrival=_arrival(value["arrival"]),
    )


def _receipt(value: dict[str, Any], decode: Decode) -> ReceiptRow:
    peer, arrival = _party(value["peer"]), Arrival(**value["arrival"])
    return ReceiptRow(**{**value, "peer": peer, "hand": HANDS[value["hand"]], "arrival": arrival})


def _claim(value: dict[str, Any], decode: Decode) -> NewClaim:
    seen = tuple(Seen(HANDS[one["hand"]], one["seq"], one["hash"]) for one in value["seen"])
    return NewClaim(**{**value, "hand": HANDS[value["hand"]], "seen": seen})


_FROM_VALUES: Mapping[str, Callable[[dict[str, Any], Decode], LineRecord]] = {
    "event": _event,
    "bundle": _bundle,
    "receipt": _receipt,
    "receipts_sent": lambda value, _: ReceiptsSent(
        _party(value["peer"]), value["batch"], tuple(value["positions"]), value["payload"]
    ),
    "fact": lambda value, _: Fact(value["kind"], value["data"]),
    "claim": _claim,
    "claim_begun": lambda value, _: ClaimsBegun(tuple(value["claims"])),
    "claim_ended": lambda value, _: ClaimsEnded(tuple(value["claims"]), value["how"]),
}
