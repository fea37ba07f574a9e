"""What can be counted in every journal, and that no count reads what has been dealt with."""

from datetime import timedelta
from typing import Any

import pytest
from journal_given import (
    ARRIVAL,
    PARTNER,
    START,
    US,
    Clock,
    Place,
    case_id,
    case_row,
    held_event,
    new_bundle,
    new_claim,
    new_event,
    parked_record,
    receipt_for,
    received,
)

from jiexu.case.event import Hand, Party, Role
from jiexu.journal.tally_port import EventTally, Tally

TOPIC = ARRIVAL.topic
ELSEWHERE = Party("440100", Role.INBOUND)
LATER = START + timedelta(minutes=1)


class TallyContract:
    """Counts."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def journal(self, place: Place, clock: Clock) -> Any:
        journal = place.open(clock=clock)
        yield journal
        journal.close()

    def test_an_empty_journal_counts_nothing(self, journal: Any) -> None:
        with journal.read() as r:
            nothing = Tally(0, None)
            assert (r.tally_claims(Hand.OUTBOUND), r.tally_agenda(Role.OUTBOUND)) == (nothing, nothing)
            assert (r.tally_log(0), r.tally_events_after(0), r.tally_parked_after(0)) == (nothing, nothing, nothing)
            assert r.tally_parked(TOPIC) == r.tally_held(TOPIC) == r.tally_todos() == {}
            assert r.tally_unreceipted(Role.OUTBOUND) == r.tally_cases(Role.OUTBOUND) == r.cursors() == {}
            assert (r.events_by_kind(0, 9), r.changed_cases(0, 9), r.recorded_at(1)) == ([], set(), None)
            assert r.size_bytes() > 0

    def test_what_waits_is_counted_with_its_oldest_and_what_was_settled_is_not(
        self, journal: Any, clock: Clock
    ) -> None:
        with journal.write() as w:
            first = w.park(parked_record())
            w.park(parked_record())
            w.park(parked_record("not_avro"))
            w.settle_parked(first, "taken_in")
            w.hold(held_event(1, 2))
            w.hold(held_event(1, 3))
            w.hold(held_event(2, 1, "unknown"))
            cleared = w.raise_todo("alarm", "old_copy", None, "一", "one")
            w.clear_todo(cleared)
            w.raise_todo("alarm", "old_copy", None, "二", "two", '{"again": 1}')
            w.raise_todo("failed", "refused", case_id(1), "三", "three")
        clock.forward(minutes=1)
        with journal.write() as w:
            w.raise_todo("failed", "refused", case_id(2), "四", "four")
        with journal.read() as r:
            assert r.tally_parked(TOPIC) == {"unknown_key": Tally(1, START), "not_avro": Tally(1, START)}
            assert r.tally_held(TOPIC) == {"gap": Tally(2, START), "unknown": Tally(1, START)}
            assert r.tally_parked("jiexu.320500.inbound") == r.tally_held("jiexu.320500.inbound") == {}
            assert r.tally_todos() == {("alarm", "old_copy"): Tally(1, START), ("failed", "refused"): Tally(2, START)}
            assert r.tally_parked_after(first).count == 2

    def test_events_without_a_receipt_are_counted_by_the_partner_that_owes_it(self, journal: Any, clock: Clock) -> None:
        with journal.write() as w:
            first, second = w.append([new_event(1, 1), new_event(1, 2)])
            w.append_bundle(new_bundle([first, second]))
        clock.forward(minutes=1)
        with journal.write() as w:
            (third,) = w.append([new_event(2, 1)])
            w.append_bundle(new_bundle([third], ELSEWHERE))
        with journal.read() as r:
            assert r.tally_unreceipted(Role.OUTBOUND) == {PARTNER: Tally(2, START), ELSEWHERE: Tally(1, LATER)}
            assert r.first_unreceipted(Role.OUTBOUND) == {PARTNER: first, ELSEWHERE: third}
            assert r.tally_unreceipted(Role.INBOUND) == r.first_unreceipted(Role.INBOUND) == {}
            assert r.tally_bundles_to(Role.OUTBOUND, PARTNER, 0) == Tally(1, START)
            assert r.tally_bundles_to(Role.OUTBOUND, PARTNER, third) == Tally(0, None)
        with journal.write() as w:
            w.append_receipts([receipt_for(new_event(1, 1))])
        with journal.read() as r:
            assert r.tally_unreceipted(Role.OUTBOUND)[PARTNER] == Tally(1, START)
            assert r.first_unreceipted(Role.OUTBOUND)[PARTNER] == second

    def test_receipts_that_are_owed_are_counted_until_their_batch_is_stated(self, journal: Any) -> None:
        with journal.write() as w:
            w.append([received(1, 1)])
            (owed,) = w.append_receipts([receipt_for(received(1, 1), given=True)])
        with journal.read() as r:
            assert r.tally_receipts_to_give(Role.OUTBOUND) == {PARTNER: Tally(1, START)}
            assert r.tally_letters_to(PARTNER, 0) == Tally(0, None)
        with journal.write() as w:
            stated = w.receipts_sent([owed], PARTNER, 1, b"signed")
        with journal.read() as r:
            assert r.tally_receipts_to_give(Role.OUTBOUND) == {}
            assert r.tally_letters_to(PARTNER, 0) == Tally(1, START)
            assert r.tally_letters_to(PARTNER, stated) == Tally(0, None)

    def test_claims_and_changed_cases_are_counted_by_hand_and_role(self, journal: Any) -> None:
        with journal.write() as w:
            w.append([new_event(1, 1), new_event(2, 1)])
            claim, _ = w.claim([new_claim(1, 2), new_claim(2, 2)], "worker", START)
        with journal.read() as r:
            assert (r.tally_claims(Hand.OUTBOUND).count, r.tally_claims(Hand.INBOUND).count) == (2, 0)
            assert (r.tally_agenda(Role.OUTBOUND), r.tally_agenda(Role.INBOUND).count) == (Tally(2, START), 0)
        with journal.write() as w:
            w.end_claims([claim], "freed")
            w.settle_agenda(r_agenda(w))
        with journal.read() as r:
            assert r.tally_claims(Hand.OUTBOUND) == Tally(1, START)
            assert r.tally_agenda(Role.OUTBOUND) == Tally(0, None)

    def test_cases_are_counted_by_status_in_their_role(self, journal: Any) -> None:
        with journal.write() as w:
            for number, status in enumerate(("applied", "closed", "closed"), 1):
                w.put_case(case_row(number, status=status))
            w.put_case(case_row(4, role=Role.INBOUND))
        with journal.read() as r:
            assert r.tally_cases(Role.OUTBOUND) == {"applied": 1, "closed": 2}

    def test_events_are_counted_by_kind_stretch_by_stretch(self, journal: Any) -> None:
        with journal.write() as w:
            w.append([new_event(1, 1), new_event(2, 1), received(1, 1), received(1, 2, void=True)])
        with journal.read() as r:
            assert r.tally_log(1) == Tally(3, START)
            assert r.tally_events_after(2) == Tally(2, START)
            both = r.events_by_kind(0, 1) + r.events_by_kind(1, 2)
            assert both == [EventTally("ReminderSent", Hand.OUTBOUND, True, False, 1)] * 2
            assert sorted(r.events_by_kind(2, 4), key=lambda kind: kind.void) == [
                EventTally("ReminderSent", Hand.INBOUND, False, False, 1),
                EventTally("ReminderSent", Hand.INBOUND, False, True, 1),
            ]

    def test_a_stretch_tells_which_cases_changed_and_who_was_heard(self, journal: Any) -> None:
        with journal.write() as w:
            (first,) = w.append([new_event(1, 1)])
            (got,) = w.append_receipts([receipt_for(new_event(1, 1))])
            w.append([received(2, 1)])
            (given,) = w.append_receipts([receipt_for(received(2, 1), given=True)])
        with journal.read() as r:
            assert r.changed_cases(0, first) == {case_id(1)}
            assert r.changed_cases(first, got) == {case_id(1)}
            assert r.changed_cases(got, given) == {case_id(2)}
            assert r.heard_from(US.role, 0, first) == {}
            assert r.heard_from(US.role, 0, got) == {PARTNER: got}
            assert r.heard_from(US.role, 0, given) == {PARTNER: given}
            assert r.heard_from(US.role.other, 0, given) == {}

    def test_cursors_are_told_by_name(self, journal: Any) -> None:
        with journal.write() as w:
            w.move_cursor("ledger", 0, 7)
            w.move_cursor("personal", 0, 3)
        with journal.read() as r:
            assert r.cursors() == {"ledger": 7, "personal": 3}


def r_agenda(writes: Any) -> list[tuple[str, int]]:
    """Everything that changed, as looked at now."""
    found: list[tuple[str, int]] = writes.agenda(Role.OUTBOUND, START, 10)
    return found
