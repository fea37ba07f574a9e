"""Committed histories of cases, one JSON file each: the events and the state hash after each of them.

A file is written once and never again: `python tests/case/golden_logs.py` adds those that are missing. If a hash
changes, either something is wrong, or the state document has a new version, which brings files of its own.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from given import Story, accepted, completed, credited, remitted, uploaded
from histories import finished

from jiexu.case.case import Case
from jiexu.case.document import state_hash
from jiexu.case.event import Event, Hand, Party, Role, Seen

GOLDEN = Path(__file__).parent / "golden"


def withdrawn_with_money_back() -> Story:
    story = accepted().inb("TransferWithdrawn").out("InformationFormUploaded").out("BalanceRemitted").deliver()
    return story.inb("BalanceArrived").inb("BalanceReturned").deliver().out("ReturnArrived").deliver()


def short_and_difference() -> Story:
    story = remitted().inb("BalanceArrived", amount=90).inb("BalanceQueried").deliver()
    story.out("BalanceRemitted", reference="r2", amount=10, answers=story.known.inbound.balance_query).deliver()
    story.inb("BalanceArrived", reference="r2", amount=10).inb("BalanceCredited", amount=90)
    return story.inb("BalanceCredited", reference="r2", amount=10).deliver()


def void_money() -> Story:
    story = completed().out("BalanceRemitted", amount=150).out("BalanceRemitted", reference="r2").deliver()
    story.inb("BalanceArrived", amount=150).inb("BalanceArrived", reference="r2").deliver()
    story.inb("BalanceReturned", amount=150).inb("BalanceCredited", reference="r2").deliver()
    return story.out("ReturnArrived", amount=150).deliver()


def reversed_and_amended() -> Story:
    story = credited().inb("CompletionReversed").inb("TransferCompleted").inb("FormQueried").deliver()
    story.out("InformationFormUploaded", amount=90).deliver().inb("CompletionAmended")
    return (
        story.inb("BalanceReturned", amount=10, source="credited").deliver().out("ReturnArrived", amount=10).deliver()
    )


def paid_out() -> Story:
    return (
        uploaded(outcome="pay_to_heirs").inb("TransferCompleted").deliver().out("BalancePaidOut", to="heirs").deliver()
    )


STORIES: Mapping[str, Callable[[], Story]] = {
    "plain-course": credited,
    "withdrawn-with-money-back": withdrawn_with_money_back,
    "short-and-difference": short_and_difference,
    "void-money": void_money,
    "reversed-and-amended": reversed_and_amended,
    "paid-out": paid_out,
    "long-1": lambda: finished(7),
    "long-2": lambda: finished(21),
}


def write(path: Path, story: Story) -> None:
    """A story as a golden log."""
    case = Case(story.events[0].case_id)
    lines = []
    for event in story.events:
        case.take(event)
        lines.append({"event": _to_json(event), "state_hash": state_hash(case)})
    path.write_text(json.dumps(lines, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[tuple[Event, str]]:
    """The events of a golden log, each with the state hash after it."""
    return [(_event(line["event"]), line["state_hash"]) for line in json.loads(path.read_text(encoding="utf-8"))]


def _to_json(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "case_id": event.case_id,
        "region": event.issuer.region,
        "hand": event.hand.value,
        "seq": event.seq,
        "prev_hash": event.prev_hash.hex() if event.prev_hash else None,
        "seen": [[seen.hand.value, seen.seq, seen.hash.hex()] for seen in event.seen],
        "occurred_at": event.occurred_at.isoformat(),
        "protocol": event.protocol.hex(),
        "ruleset": event.ruleset,
        "type": event.type,
        "body": _plain(event.body),
        "hash": event.hash.hex(),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"yuan": str(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _body(value: Any) -> Any:
    if isinstance(value, dict):
        return Decimal(value["yuan"]) if set(value) == {"yuan"} else {key: _body(item) for key, item in value.items()}
    return value


def _event(line: dict[str, Any]) -> Event:
    hand = Hand(line["hand"])
    return Event(
        event_id=line["event_id"],
        case_id=line["case_id"],
        issuer=Party(line["region"], Role(hand.role)),
        hand=hand,
        seq=line["seq"],
        prev_hash=bytes.fromhex(line["prev_hash"]) if line["prev_hash"] else None,
        seen=tuple(Seen(Hand(of), seq, bytes.fromhex(digest)) for of, seq, digest in line["seen"]),
        occurred_at=datetime.fromisoformat(line["occurred_at"]),
        protocol=bytes.fromhex(line["protocol"]),
        ruleset=line["ruleset"],
        office=line["region"],
        handled_by="1001",
        reviewed_by="1002",
        type=line["type"],
        body=_body(line["body"]),
        hash=bytes.fromhex(line["hash"]),
    )


if __name__ == "__main__":
    for name, story in STORIES.items():
        path = GOLDEN / f"{name}.json"
        if not path.exists():
            write(path, story())
