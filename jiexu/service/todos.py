"""What waits for a person is dealt with: who did, and what goes on because of it."""

import json
from typing import Any

from jiexu.journal.port import Fact, Todo, Writes
from jiexu.service.bank_watch import order_again
from jiexu.service.consequences import try_again
from jiexu.service.doubt import UNHEARD, go_on

CLEARED = "todo_cleared"
"""A fact of the journal: who has dealt with which item."""


def clear(write: Writes, todo: Todo, by: str) -> dict[str, Any]:
    """Record that an item was dealt with; returns what the fact says.

    Its case is looked at again, and what the local platform or the bank refused is tried again: refused once more, it
    waits once more.
    """
    write.clear_todo(todo.id)
    about = {"id": todo.id, "kind": todo.kind, "code": todo.code, "case": todo.case_id, "by": by}
    write.append_fact(Fact(CLEARED, json.dumps(about, ensure_ascii=False, sort_keys=True, separators=(",", ":"))))
    # The case may be gone from a journal that was rebuilt; the item can still be cleared.
    if todo.case_id is not None and write.heads([todo.case_id]):
        write.put_on_agenda([todo.case_id])
    if todo.code == UNHEARD:
        go_on(write, todo)
    try_again(write, todo)
    order_again(write, todo)
    return about
