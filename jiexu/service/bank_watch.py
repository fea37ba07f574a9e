"""The bank's book: whom its new lines concern, and returns that it refused."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jiexu.case.event import Role
from jiexu.journal.port import Fact, Moved, Reads, Todo, Writes
from jiexu.region.platform import ActKey, Refused, Return
from jiexu.service.agency import Agency
from jiexu.service.casebook import fold
from jiexu.service.claims import REFUSED_RETRY

# Orders of one return before a person looks: the first and two more.
RETURN_ATTEMPTS = 2
# What a refused return waits for, where it is not a moment (ISO 8601) before which it is not tried again.
_ITS_EVENT, _NOTHING = "", "again"


# A line that no case names may be ahead of its event, or of a partner that is off. After this a person looks.
UNEXPLAINED_AFTER = timedelta(days=7)
SHOWN = 5  # of them in the alarm's text
_LINE = {
    "arrived": ("到账", "arrived"),
    "refused": ("汇款被退回", "was refused to us"),
    "returned": ("退款到账", "came back"),
    "return_refused": ("退款被拒收", "was refused by outbound's bank"),
}


def _unexplained(role: Role) -> str:
    """Note: lines of the bank's book that no case names yet: [kind, reference, amount, since when (ISO 8601)]."""
    return f"unexplained_lines:{role}"


def _lines_noted(read: Reads, role: Role) -> list[list[str]]:
    found: list[list[str]] = json.loads(read.note(_unexplained(role)) or "[]")
    return found


def _cases_of(read: Reads, kind: str, reference: str) -> list[str]:
    return read.cases_of_reference("remittance" if kind in ("refused", "arrived") else "return", reference)


def _waiting(role: Role) -> str:
    """Note: refused returns that wait, by return reference, and for what."""
    return f"refused_returns:{role}"


def _waited(read: Reads, role: Role) -> dict[str, str]:
    found: dict[str, str] | list[str] = json.loads(read.note(_waiting(role)) or "{}")
    return found if isinstance(found, dict) else dict.fromkeys(found, _ITS_EVENT)  # so it was noted at first


def _note(write: Writes, role: Role, waits: Mapping[str, str]) -> None:
    write.set_note(_waiting(role), json.dumps(waits, sort_keys=True))


def order_again(write: Writes, todo: Todo) -> None:
    """A person has dealt with a return that was refused: it is ordered once more, however often it was before."""
    about = json.loads(todo.data)
    if "return_reference" in about:
        _note(write, Role.INBOUND, {**_waited(write, Role.INBOUND), about["return_reference"]: _NOTHING})


@dataclass
class _Ordered:
    """What came of ordering refused returns again: facts, and whom a person must look at, by return reference."""

    facts: dict[str, Fact] = field(default_factory=dict)
    refused: dict[str, tuple[str, Refused]] = field(default_factory=dict)  # by the platform: tried again later
    given_up: dict[str, tuple[str, Refused]] = field(default_factory=dict)


class BankWatch:
    """Wakes the cases of which the bank's book has new lines; the step then reads the lines by reference. A line that
    no case has named after a week is an alarm: somebody's money is where nothing says why.

    A return that the bank refused is sent again under the same return reference; each attempt is a fact (protocol.md,
    BalanceReturned). Its event stands, so nothing needs to be claimed. Where it does not stand yet, since the bank has
    refused what a step ordered a moment ago, the return is noted and waits for it; so is one that the platform refuses
    to order, for a while. One that the bank goes on refusing waits for a person.
    """

    def __init__(self, agency: Agency, role: Role) -> None:
        self.agency = agency
        self.role = role
        self.cursor = f"bank:{role}"
        self.kinds = {"refused", "returned"} if role is Role.OUTBOUND else {"arrived", "return_refused"}

    def turn(self) -> int:
        """Look at new lines, and at refused returns that waited; returns how many."""
        agency, role, now = self.agency, self.role, self.agency.clock()
        with agency.journal.read() as read:
            stands, waited = read.cursor(self.cursor), _waited(read, role)
        due = {one for one, until in waited.items() if until in (_ITS_EVENT, _NOTHING) or _is_over(until, now)}
        lines = agency.platform.bank_lines(stands)
        with agency.journal.read() as read:
            overdue = [one for one in _lines_noted(read, role) if _is_over(one[3], now - UNEXPLAINED_AFTER)]
        refused = {one.reference for one in lines if one.kind == "return_refused" and one.kind in self.kinds}
        with agency.journal.read() as read:
            known = {one for one in refused | due if read.case_of_reference("return", one) is not None}
        if not lines and not known and not overdue:
            return 0
        ordered = self._return_again(sorted(known), {one for one in known if waited.get(one) == _NOTHING})
        agency.fault("returns.done")
        try:
            with agency.journal.write() as write:
                if _waited(write, role) != waited:
                    raise Moved(f"{_waiting(role)}: another copy of this service was first")
                waits = {one: until for one, until in waited.items() if one not in known}
                waits |= dict.fromkeys(refused - known, _ITS_EVENT)
                waits |= dict.fromkeys(ordered.refused, (now + REFUSED_RETRY).isoformat())
                if waits != waited:
                    _note(write, role, waits)
                wake = []
                unexplained = [one for one in _lines_noted(write, role) if one not in overdue]
                for line in lines:
                    if line.kind in self.kinds:
                        cases = _cases_of(write, line.kind, line.reference)
                        wake += cases
                        if not cases:  # its event has not come yet: it will look the line up by its reference
                            unexplained.append([line.kind, line.reference, str(line.amount), now.isoformat()])
                write.put_on_agenda(wake)
                if unexplained != _lines_noted(write, role):
                    write.set_note(_unexplained(role), json.dumps(unexplained))
                if strange := [one for one in overdue if not _cases_of(write, one[0], one[1])]:
                    _alarm(write, strange)
                for fact in ordered.facts.values():
                    write.append_fact(fact)
                _clear_failed(write, ordered.facts)
                for reference, (case_id, why) in (ordered.refused | ordered.given_up).items():
                    data = json.dumps({"return_reference": reference})
                    write.raise_todo("failed", why.code, case_id, why.zh, why.en, data)
                if lines:
                    write.move_cursor(self.cursor, stands, lines[-1].number)
        except Moved:
            pass  # a second copy of this service did the same, under the same keys
        return len(lines) + len(known & due) + len(overdue)

    def _return_again(self, references: Sequence[str], wished: set[str]) -> _Ordered:
        """Order refused returns once more; those that a person has `wished` for however often the bank has refused."""
        agency, ordered = self.agency, _Ordered()
        booked = agency.platform.lines_of(references) if references else {}
        for reference, lines in booked.items():
            refused = sum(line.kind == "return_refused" for line in lines)
            with agency.journal.read() as read:
                case_id = read.case_of_reference("return", reference)
                events = read.case_events(case_id) if case_id else []
            returned = [e.event for e in events if e.event.type == "BalanceReturned" and not e.void]
            n = next((i for i, e in enumerate(returned, 1) if e.body["return_reference"] == reference), 0)
            if case_id is None or not n or any(line.kind == "returned" for line in lines):
                continue
            if refused > RETURN_ATTEMPTS and reference not in wished:
                ordered.given_up[reference] = case_id, _returns_refused(refused)
                continue
            body, partner = returned[n - 1].body, fold(case_id, events).parties[Role.OUTBOUND].region
            act = Return(
                key=ActKey(case_id, "return", str(n)),
                return_reference=reference,
                reference=body["reference"],
                amount=body["amount"],
                from_region=agency.region,
                to_region=partner,
                attempt=refused + 1,
            )
            (result,) = agency.platform.perform([act])
            if isinstance(result, Refused):
                ordered.refused[reference] = case_id, result
            else:
                said = {"case_id": case_id, "return_reference": reference, "attempt": refused + 1}
                fact = Fact("return_attempt", json.dumps(said, sort_keys=True, separators=(",", ":")))
                ordered.facts[reference] = fact
        return ordered


def _alarm(write: Writes, lines: Sequence[list[str]]) -> None:
    """One for all that are found at once: a book that is older than the journal has many."""
    zh = "；".join(f"{reference} {_LINE[kind][0]} {amount} 元" for kind, reference, amount, _ in lines[:SHOWN])
    en = "; ".join(f"{amount} yuan {_LINE[kind][1]} under {reference}" for kind, reference, amount, _ in lines[:SHOWN])
    count, days = len(lines), UNEXPLAINED_AFTER.days
    if count > SHOWN:
        zh, en = f"{zh}；…", f"{en}; …"
    write.raise_todo(
        "alarm",
        "money_unexplained",
        None,
        f"银行账上有 {count} 笔，{days} 天内没有案件提到：{zh}。请与对方核对（jiexu audit compare）",
        f"no case has named {count} lines of the bank's book for {days} days: {en}. Compare with the partner "
        "(jiexu audit compare)",
        json.dumps({"references": [reference for _, reference, _, _ in lines]}),
    )


def _is_over(until: str, now: datetime) -> bool:
    return datetime.fromisoformat(until) <= now


def _clear_failed(write: Writes, ordered: Mapping[str, Fact]) -> None:
    """What was ordered now needs nobody any more."""
    for todo in write.todos(kind="failed") if ordered else ():
        if json.loads(todo.data).get("return_reference") in ordered:
            write.clear_todo(todo.id)


def _returns_refused(times: int) -> Refused:
    return Refused(
        "returns_refused",
        f"银行已 {times} 次拒收退款，请与转出地核对其收款账户；核对后处理本事项（jiexu todo clear），即再退一次",
        f"the bank has refused the return {times} times: check outbound's account with outbound, then clear this item "
        "(jiexu todo clear), and it is ordered once more",
    )
