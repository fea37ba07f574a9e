"""Events of ours that a partner knows and this journal has not: how it is found out, and what waits for it.

A journal whose ledger is lost too cannot know what the region has signed; only the partners can. They are asked
(doubt.py), and answer with receipts for the last event of ours that they hold. A receipt or a `seen` that names what
is not here, or other bytes than those that are, raises an alarm in that case. While it stands nothing is issued there
and no act begun: the next event would use a place of the hand twice, and the partner could never take it in. A person
settles it with the partner and clears the alarm.
"""

from collections.abc import Collection

from jiexu.journal.port import Reads
from jiexu.service.doubt import unheard_cases

# What intake raises where a partner knows more of our hand than we do, or other bytes.
ALARMS = ("seen_unknown", "receipt_other_content")


def cases_with_lost_events(read: Reads) -> set[str]:
    """Cases in which such an alarm stands."""
    return {todo.case_id for code in ALARMS for todo in read.todos(kind="alarm", code=code) if todo.case_id is not None}


def waiting_cases(read: Reads, case_ids: Collection[str]) -> set[str]:
    """Those of the cases in which nothing is issued: events of ours are lost, or may be for all that is known."""
    if not case_ids:
        return set()
    return (cases_with_lost_events(read) & set(case_ids)) | unheard_cases(read, case_ids)
