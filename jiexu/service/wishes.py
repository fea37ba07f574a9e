"""What partners wish to be sent again: noted with the request, sent by the relay."""

import json

from jiexu.case.event import Party, Role
from jiexu.journal.port import Reads, Writes


def note_wish(write: Writes, role: Role, peer: Party, *positions: int) -> None:
    """Note, with the request, that the bundles of own events are to be sent to a partner again."""
    name = _note(role, peer)
    wished = json.loads(write.note(name) or "[]")
    write.set_note(name, json.dumps(sorted({*wished, *positions})))


def wishes(read: Reads, role: Role, peer: Party) -> list[int]:
    """Positions of the own events that are to be sent to a partner again."""
    found: list[int] = json.loads(read.note(_note(role, peer)) or "[]")
    return found


def forget_wishes(write: Writes, role: Role, peer: Party, done: list[int]) -> None:
    """Take off what was sent; a wish that came meanwhile stays."""
    left = [position for position in wishes(write, role, peer) if position not in done]
    write.set_note(_note(role, peer), json.dumps(left))


def relay_cursor(role: Role, peer: Party) -> str:
    """The cursor of the bundles that were sent to a partner."""
    return f"relay:{role}:{peer}"


def _note(role: Role, peer: Party) -> str:
    return f"wishes:{role}:{peer}"
