"""Doubt: what this region signed last is not sure, and its partners are asked what they know of it.

A journal that came from a backup, was behind its ledger, or whose ledger lost its end may lack events that a partner
holds. Where both lost the same lines nobody here can know; to go on would use a place of a hand twice, or do for a
second time what the partner was told already. So each partner is asked, signed, and until it has answered no case with
it issues anything, by itself or by a clerk. Its answer (last_known.py) brings receipts for the last event of ours that
it has in each case, and then says that these were all. A case in which it knows more than we do waits on, for a person
(lost_events.py); the others go on. New partners are asked when something comes from them, or when a case with them
first wants to do something.

Who is asked and has not answered stands as an alarm. A person who has spoken with that partner can clear it.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from jiexu.audit.rebuild import LedgerTail
from jiexu.case.event import Party, Role
from jiexu.exchange.topics import Purpose, topic_name
from jiexu.journal.port import CaseRow, Reads, Todo, Writes
from jiexu.service.agency import Agency
from jiexu.service.notices import Concerned, ask_for_last
from jiexu.service.opening import OpenedNotice

UNHEARD = "partner_unheard"
ANSWER = "told_last"
_ROWS_AT_ONCE = 5_000
# Note in the journal: {"code": why, "concerned": the ledger's last record, "asked": {partner: its questions}}.
_NOTE = "doubt"


def begin_doubt(agency: Agency, write: Writes, tail: LedgerTail, code: str) -> str:
    """Ask each partner of an open case, and those that others wait for; what they said before counts no more.

    Returns whom, for a person to read.
    """
    topic, last = topic_name(agency.region, Purpose.LEDGER), tail.last
    digest = sha256(last.value if last else b"").hexdigest()
    doubt = {"code": code, "concerned": [topic, 0, last.offset if last else 0, digest], "asked": {}}
    partners = {_partner_in(row) for row in write.cases(open=True)}
    for todo in _alarms(write):
        partners.add(Party(*_split(_partner(todo))))
        write.clear_todo(todo.id)
    _ask(agency, write, doubt, sorted(partners, key=str))
    return "、".join(sorted({partner.region for partner in partners})) or "-"


def unheard_cases(read: Reads, case_ids: Collection[str]) -> set[str]:
    """Those of the cases whose partner has still to say what it knows of us."""
    doubt = _doubt(read)
    if doubt is None:
        return set()
    waiting = {_partner(todo) for todo in _alarms(read)}
    partners = {case_id: str(_partner_in(row)) for case_id, row in read.case_rows(list(case_ids)).items()}
    return {case_id for case_id, one in partners.items() if one in waiting or one not in doubt["asked"]}


def hear_first(agency: Agency, partner: Party) -> bool:
    """Whether a partner has still to say what it knows of us; it is asked where it was not."""
    if partner.region not in agency.participants.regions:
        return False  # nothing was ever sent there
    with agency.journal.read() as read:
        doubt = _doubt(read)
        if doubt is None or (str(partner) in doubt["asked"] and str(partner) not in map(_partner, _alarms(read))):
            return False
    with agency.journal.write() as write:
        doubt = _doubt(write)
        if doubt is not None and str(partner) not in doubt["asked"]:
            _ask(agency, write, doubt, [partner])
    return True


def unasked_cases(read: Reads, case_ids: Collection[str]) -> list[str]:
    """Those of the cases whose partner was not asked yet."""
    doubt = _doubt(read)
    if doubt is None:
        return []
    rows = read.case_rows(list(case_ids))
    return [case_id for case_id, row in rows.items() if str(_partner_in(row)) not in doubt["asked"]]


def ask_new(agency: Agency, case_ids: Sequence[str]) -> None:
    """Ask the partners of these cases that were not asked yet."""
    with agency.journal.write() as write:
        doubt = _doubt(write)
        if doubt is not None:
            new = {_partner_in(row) for row in write.case_rows(case_ids).values()}
            _ask(agency, write, doubt, sorted((one for one in new if str(one) not in doubt["asked"]), key=str))


def ask_who_writes(agency: Agency, write: Writes, partners: Collection[Party]) -> None:
    """Partners that write to us are asked, where they were not yet: of what they know no case may be left here."""
    doubt = _doubt(write)
    if doubt is not None:
        _ask(agency, write, doubt, sorted({one for one in partners if str(one) not in doubt["asked"]}, key=str))


def ask_after_loss(agency: Agency, write: Writes, partner: Party) -> None:
    """Events of ours are known to be lost, in a case with this partner: it is asked, unless it was asked since. Where
    nobody was, because nothing else has shown that this journal is an old copy, all others will be (`ask_new`)."""
    none = [topic_name(agency.region, Purpose.LEDGER), 0, 0, sha256(b"").hexdigest()]
    doubt = _doubt(write) or {"code": "own_events_missing", "concerned": none, "asked": {}}
    if str(partner) not in doubt["asked"]:
        _ask(agency, write, doubt, [partner])


def heard(write: Writes, notice: OpenedNotice) -> None:
    """A partner has told all that it knows: its cases go on. An answer to what we do not know to have asked says
    nothing, since it may be older than what was lost."""
    doubt = _doubt(write)
    asked = doubt["asked"].get(str(notice.issuer)) if doubt else None
    if asked is not None and notice.payload.digest.hex() in asked["questions"]:
        for todo in _alarms(write):
            if _partner(todo) == str(notice.issuer):
                write.clear_todo(todo.id)
                go_on(write, todo)


def go_on(write: Writes, todo: Todo) -> None:
    """The alarm about a partner is cleared: what its cases want to do is looked at again, in closed ones too."""
    region, role = _split(_partner(todo))
    after = ""
    while page := write.cases(role=role.other, after_case=after, limit=_ROWS_AT_ONCE):
        write.put_on_agenda([row.case_id for row in page if row.partner == region])
        after = page[-1].case_id


class AskAgain:
    """Asks partners that have not answered again, as events without a receipt are sent again: a letter can be lost."""

    def __init__(self, agency: Agency, role: Role) -> None:
        self.agency = agency
        self.role = role

    def turn(self) -> int:
        """Ask those whose time has come; returns how many."""
        with self.agency.journal.read() as read:
            if not self._due(read):
                return 0
        with self.agency.journal.write() as write:
            doubt, due = _doubt(write), self._due(write)
            if doubt is not None:
                _ask(self.agency, write, doubt, due)
        return len(due)

    def _due(self, read: Reads) -> list[Party]:
        doubt = _doubt(read)
        waiting = {_partner(todo) for todo in _alarms(read)} if doubt else set()
        return [Party(*_split(one)) for one in sorted(waiting) if doubt and self._is_due(doubt["asked"].get(one), one)]

    def _is_due(self, asked: dict[str, Any] | None, partner: str) -> bool:
        if asked is None or _split(partner)[1] is self.role:
            return False
        config = self.agency.config
        first = timedelta(minutes=config.resend_after_minutes)
        wait = first if len(asked["questions"]) == 1 else timedelta(hours=config.resend_every_hours)
        return self.agency.clock() - datetime.fromisoformat(asked["at"]) >= wait


def _ask(agency: Agency, write: Writes, doubt: dict[str, Any], partners: Sequence[Party]) -> None:
    topic, partition, offset, digest = doubt["concerned"]
    concerned = Concerned(topic, partition, offset, bytes.fromhex(digest))
    for partner in partners:
        question = ask_for_last(agency, write, partner.role.other, partner, doubt["code"], concerned)
        asked = doubt["asked"].setdefault(str(partner), {"questions": []})
        asked["questions"].append(question.hex())
        asked["at"] = write.now.isoformat()
        zh = f"已函询 {partner} 掌握的本方最后事件；答复前，与其往来的案件不作任何办理"
        en = f"{partner} was asked what it knows of us last; until it answers, nothing is issued in cases with it"
        write.raise_todo("alarm", UNHEARD, None, zh, en, json.dumps({"partner": str(partner)}))
    write.set_note(_NOTE, json.dumps(doubt))


def _doubt(read: Reads) -> dict[str, Any] | None:
    found = read.note(_NOTE)
    return json.loads(found) if found else None


def _alarms(read: Reads) -> list[Todo]:
    return read.todos(kind="alarm", code=UNHEARD)


def _partner_in(row: CaseRow) -> Party:
    return Party(row.partner, row.role.other)


def _partner(todo: Todo) -> str:
    return str(json.loads(todo.data)["partner"])


def _split(partner: str) -> tuple[str, Role]:
    region, _, role = partner.partition(".")
    return region, Role(role)
