"""The bank's book: whom its new lines concern, and returns that it refused."""

import json
from collections.abc import Sequence

from jiexu.case.event import Role
from jiexu.journal.port import Fact, Moved, Reads
from jiexu.region.platform import ActKey, Refused, Return
from jiexu.service.agency import Agency
from jiexu.service.casebook import fold

# Orders of one return before a person looks: the first and two more.
RETURN_ATTEMPTS = 2


class BankWatch:
    """Wakes the cases of which the bank's book has new lines; the step then reads the lines by reference.

    A return that the bank refused is sent again under the same return reference; each attempt is a fact (protocol.md,
    BalanceReturned). Its event stands, so nothing needs to be claimed. Where it does not stand yet, since the bank has
    refused what a step ordered a moment ago, the return is noted and waits for it.
    """

    def __init__(self, agency: Agency, role: Role) -> None:
        self.agency = agency
        self.role = role
        self.cursor = f"bank:{role}"
        self.waiting = f"refused_returns:{role}"
        self.kinds = {"refused", "returned"} if role is Role.OUTBOUND else {"arrived", "return_refused"}

    def turn(self) -> int:
        """Look at new lines, and at refused returns that waited; returns how many."""
        agency = self.agency
        with agency.journal.read() as read:
            stands, waited = read.cursor(self.cursor), self._waited(read)
        lines = agency.platform.bank_lines(stands)
        refused = {one.reference for one in lines if one.kind == "return_refused" and one.kind in self.kinds}
        with agency.journal.read() as read:
            known = {one for one in refused | waited if read.case_of_reference("return", one) is not None}
        if not lines and not known:
            return 0
        facts, given_up = self._return_again(sorted(known))
        agency.fault("returns.done")
        try:
            with agency.journal.write() as write:
                if self._waited(write) != waited:
                    raise Moved(f"{self.waiting}: another copy of this service was first")
                if (waits := (waited | refused) - known) != waited:
                    write.set_note(self.waiting, json.dumps(sorted(waits)))
                wake = []
                for line in lines:
                    if line.kind in self.kinds:
                        kind = "remittance" if line.kind in ("refused", "arrived") else "return"
                        wake += write.cases_of_reference(kind, line.reference)
                        # None: the remittance's event has not come yet: it will look the line up by its reference.
                write.put_on_agenda(wake)
                for fact in facts:
                    write.append_fact(fact)
                for case_id, why in given_up:
                    write.raise_todo("failed", why.code, case_id, why.zh, why.en)
                if lines:
                    write.move_cursor(self.cursor, stands, lines[-1].number)
        except Moved:
            pass  # a second copy of this service did the same, under the same keys
        return len(lines) + len(known & waited)

    def _waited(self, read: Reads) -> set[str]:
        return set(json.loads(read.note(self.waiting) or "[]"))

    def _return_again(self, references: Sequence[str]) -> tuple[list[Fact], list[tuple[str, Refused]]]:
        """Order refused returns once more; the facts of what was ordered, and what a person must look at."""
        agency = self.agency
        facts: list[Fact] = []
        given_up: list[tuple[str, Refused]] = []
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
            if refused > RETURN_ATTEMPTS:
                given_up.append((case_id, _returns_refused(refused)))
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
                given_up.append((case_id, result))
            else:
                said = {"case_id": case_id, "return_reference": reference, "attempt": refused + 1}
                facts.append(Fact("return_attempt", json.dumps(said, sort_keys=True, separators=(",", ":"))))
        return facts, given_up


def _returns_refused(times: int) -> Refused:
    return Refused(
        "returns_refused",
        f"银行已 {times} 次拒收退款，请与转出地核对其收款账户",
        f"the bank has refused the return {times} times: check outbound's account with outbound",
    )
