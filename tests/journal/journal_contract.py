"""What every journal does, whatever database keeps it. A store's test class inherits this and gives a `place`."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from journal_given import (
    ARRIVAL,
    PARTNER,
    START,
    Clock,
    Crash,
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
    seqs,
)

from jiexu.case.event import Hand, Party, Role
from jiexu.journal.port import (
    DisclosureRow,
    EventIdTaken,
    Fact,
    Journal,
    Moved,
    SeqTaken,
    Todo,
)

LATER = START + timedelta(hours=1)


class EventsContract:
    """Events and their order."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def journal(self, place: Place, clock: Clock) -> Iterator[Journal]:
        journal = place.open(clock=clock)
        yield journal
        journal.close()

    def test_an_event_is_read_back_as_it_was_written(self, journal: Journal) -> None:
        new = received(1, 1, void=True)
        with journal.write() as w:
            assert w.append([new_event(1, 1), new]) == [1, 2]
        with journal.read() as r:
            stored = r.event_at(case_id(1), Hand.INBOUND, 1)
            assert stored is not None
            assert (stored.position, stored.bytes, stored.event) == (2, new.bytes, new.event)
            assert (stored.void, stored.arrival, stored.recorded_at) == (True, ARRIVAL, START)
            assert r.event_by_id(new.event.event_id) == stored
            assert r.event_by_id("f" * 32) is None
            assert r.events_at([2, 9, 2]) == {2: stored}
            assert [one.position for one in r.events(after=1)] == [2]
            assert [one.position for one in r.events(limit=1)] == [1]

    def test_many_events_are_read_page_by_page(self, journal: Journal) -> None:
        with journal.write() as w:
            w.append([new_event(case, 1) for case in range(2500)])
        with journal.read() as r:
            assert [one.position for one in r.events()] == list(range(1, 2501))
            assert len(list(r.events(limit=1700))) == 1700
            assert len(r.heads([case_id(case) for case in range(2600)])) == 2500
            assert len(r.cases_events([case_id(case) for case in range(2600)])) == 2500

    def test_the_head_of_a_case_is_the_last_of_each_hand(self, journal: Journal) -> None:
        last = received(1, 1)
        with journal.write() as w:
            w.append([new_event(1, 1), new_event(1, 2), last])
            w.append([new_event(2, 1)])
            w.append_receipts([receipt_for(new_event(1, 1))])
            heads = w.heads([case_id(1), case_id(9)])
        assert set(heads) == {case_id(1)}
        assert heads[case_id(1)].position == 3
        assert heads[case_id(1)].hands[Hand.INBOUND] == (1, last.event.hash)
        assert heads[case_id(1)].hands[Hand.OUTBOUND] == (2, new_event(1, 2).event.hash)

    def test_a_place_is_used_once(self, journal: Journal) -> None:
        with journal.write() as w:
            w.append([new_event(1, 1), new_event(1, 2)])
            with pytest.raises(SeqTaken):
                w.append([new_event(2, 1), new_event(1, 2, event_id="e" * 32)])
            with pytest.raises(SeqTaken):
                w.append([new_event(3, 1), new_event(3, 1, event_id="e" * 32)])
            assert w.append([new_event(1, 3)]) == [3]
        with journal.read() as r:
            assert seqs(r, 2) == seqs(r, 3) == []

    def test_a_gap_is_refused(self, journal: Journal) -> None:
        with journal.write() as w, pytest.raises(ValueError, match="gap"):
            w.append([received(1, 2)])

    def test_an_event_id_is_used_once_in_the_region(self, journal: Journal) -> None:
        with journal.write() as w:
            w.append([new_event(1, 1, event_id="e" * 32)])
            with pytest.raises(EventIdTaken):
                w.append([new_event(2, 1, event_id="e" * 32)])
            with pytest.raises(EventIdTaken):
                w.append([new_event(3, 1, event_id="d" * 32), new_event(4, 1, event_id="d" * 32)])
            assert w.last_position() == 1

    def test_times_never_fall_when_the_clock_does(self, journal: Journal, clock: Clock) -> None:
        with journal.write() as w:
            w.append([new_event(1, 1)])
        clock.forward(hours=-1)
        with journal.write() as w:
            assert w.now == START
            w.append([new_event(1, 2)])
        with journal.read() as r:
            assert [line.recorded_at for line in r.log(0, 10)] == [START, START]

    def test_a_block_is_one_transaction(self, journal: Journal) -> None:
        def write_and_die() -> None:
            with journal.write() as w:
                w.append([new_event(1, 1)])
                w.set_note("n", "1")
                with journal.read() as r:
                    assert r.last_position() == 0
                raise Crash

        with pytest.raises(Crash):
            write_and_die()
        with journal.read() as r:
            assert (r.last_position(), r.note("n"), r.heads([case_id(1)])) == (0, None, {})

    def test_a_block_in_a_block_is_an_error(self, journal: Journal) -> None:
        with journal.write() as w:
            w.append([new_event(1, 1)])
            with pytest.raises(RuntimeError), journal.write():
                pass
        with journal.read() as r:
            assert r.last_position() == 1

    def test_a_block_that_has_ended_writes_nothing(self, journal: Journal) -> None:
        with journal.write() as w:
            pass
        with pytest.raises(RuntimeError):
            w.set_note("n", "1")

    def test_a_swallowed_failure_leaves_nothing(self, journal: Journal) -> None:
        def write_and_swallow() -> None:
            with journal.write() as w:
                try:
                    # Its event is not there, which breaks a rule of the tables after the line is written.
                    w.append_bundle(new_bundle([99]))
                except Exception:
                    w.set_note("n", "1")

        with pytest.raises(RuntimeError):
            write_and_swallow()
        with journal.read() as r:
            assert (r.last_position(), r.note("n")) == (0, None)

    def test_a_snapshot_does_not_move(self, journal: Journal) -> None:
        with journal.read() as before:
            with journal.write() as w:
                w.append([new_event(1, 1)])
            assert before.last_position() == 0
            with journal.read() as after:
                assert after.last_position() == 1

    def test_payment_references_find_their_cases(self, journal: Journal) -> None:
        remitted = {"type": "BalanceRemitted", "body": {"reference": "R"}}
        returned = {"type": "BalanceReturned", "body": {"return_reference": "T"}}
        with journal.write() as w:
            w.append([new_event(1, 1, **remitted), new_event(1, 2, **remitted)])
            w.append([received(2, 1, **remitted), received(1, 1, **returned)])
        with journal.read() as r:
            assert r.case_of_reference("remittance", "R") == case_id(1)
            assert r.cases_of_reference("remittance", "R") == [case_id(1), case_id(2)]
            assert r.case_of_reference("return", "T") == case_id(1)
            assert r.case_of_reference("return", "R") is None


class ClaimsContract(EventsContract):
    """Claims: pinned before the act, blocking until the event."""

    def test_an_open_claim_blocks_its_hand_alone(self, journal: Journal) -> None:
        with journal.write() as w:
            w.append([new_event(1, 1)])
            w.claim([new_claim(1, 2)], "worker", LATER)
        with pytest.raises(SeqTaken), journal.write() as w:
            w.append([new_event(1, 2)])
        with journal.write() as w:
            w.append([received(1, 1)])
            w.append([new_event(1, 1, Hand.INBOUND_ATTESTED)])
        with journal.read() as r:
            assert (seqs(r, 1), seqs(r, 1, Hand.INBOUND)) == ([1], [1])

    @pytest.mark.parametrize("event_first", [True, False])
    def test_the_claimed_event_frees_the_hand_in_either_order(self, journal: Journal, event_first: bool) -> None:
        with journal.write() as w:
            (claim,) = w.claim([new_claim(1, 1)], "worker", LATER)
        with journal.write() as w:
            if event_first:
                w.append([new_event(1, 1), new_event(1, 2)])
            w.end_claims([claim], "event")
            if not event_first:
                w.append([new_event(1, 1), new_event(1, 2)])
        with journal.write() as w:
            assert w.open_claims() == []
            w.append([new_event(1, 3)])

    def test_a_claim_does_not_end_without_its_event(self, journal: Journal) -> None:
        with journal.write() as w:
            (claim,) = w.claim([new_claim(1, 1)], "worker", LATER)
        with pytest.raises(ValueError, match="not appended"), journal.write() as w:
            w.end_claims([claim], "event")
        with journal.read() as r:
            assert len(r.open_claims()) == 1

    def test_a_claim_takes_the_next_place_of_a_free_hand_only(self, journal: Journal) -> None:
        with journal.write() as w:
            w.append([new_event(1, 1)])
            for seq in (1, 3):
                with pytest.raises(SeqTaken):
                    w.claim([new_claim(1, seq)], "worker", LATER)
            with pytest.raises(SeqTaken):
                w.claim([new_claim(1, 2), new_claim(1, 2)], "worker", LATER)
            w.claim([new_claim(1, 2)], "worker", LATER)
            with pytest.raises(SeqTaken):
                w.claim([new_claim(1, 2)], "other", LATER)

    def test_a_claim_is_taken_up_begun_and_freed(self, journal: Journal) -> None:
        claim = new_claim(1, 1)
        with journal.write() as w:
            (position,) = w.claim([claim], "worker", START)
            w.settle_agenda(w.agenda(Role.OUTBOUND, START, 10))
        with journal.write() as w:
            w.take_up_claims([position], "other", LATER)
            w.begin_claims([position])
        with journal.read() as r:
            (stands,) = r.open_claims([case_id(1)])
            assert (stands.claim, stands.begun, stands.owner, stands.lease_until) == (claim, True, "other", LATER)
            assert r.open_claims([case_id(2)]) == []
        with journal.write() as w:
            w.end_claims([position], "freed")
            assert w.agenda(Role.OUTBOUND, START, 10) == [(case_id(1), w.last_position())]
        with journal.write() as w:
            for change in (lambda: w.end_claims([position], "freed"), lambda: w.begin_claims([position])):
                with pytest.raises(SeqTaken):
                    change()
            w.append([new_event(1, 1)])

    def test_who_comes_second_with_a_claims_event_decides_again(self, journal: Journal) -> None:
        with journal.write() as w:
            (claim,) = w.claim([new_claim(1, 1)], "worker", LATER)
        with journal.write() as w:
            w.append([new_event(1, 1)])
            w.end_claims([claim], "event")
        with pytest.raises(SeqTaken), journal.write() as w:
            w.end_claims([claim], "event")


class CasesContract(ClaimsContract):
    """The agenda, the read model, the unique rows, personal values."""

    def test_changed_cases_are_on_the_agenda_of_their_role(self, journal: Journal) -> None:
        with journal.write() as w:
            w.append([new_event(1, 1), received(2, 1), new_event(3, 1, Hand.INBOUND)])
            w.append([new_event(3, 1, Hand.OUTBOUND_ATTESTED)])
            assert w.agenda(Role.OUTBOUND, START, 10) == [(case_id(1), 1), (case_id(2), 2)]
            assert w.agenda(Role.OUTBOUND, START, 1) == [(case_id(1), 1)]
            assert w.agenda(Role.INBOUND, START, 10) == [(case_id(3), 4)]

    def test_where_more_wait_than_asked_for_cases_that_began_first_come_first(self, journal: Journal) -> None:
        with journal.write() as w:
            for number in (9, 8, 7, 6, 5, 4, 3, 2, 1):  # case 9 has waited longest, case 1 began first
                w.append([new_event(number, 1)])
            found = [case for case, _ in w.agenda(Role.OUTBOUND, START, 4)]
            assert found == [case_id(9), case_id(3), case_id(2), case_id(1)]
            assert len(w.agenda(Role.OUTBOUND, START, 9)) == 9

    def test_what_changed_since_it_was_looked_at_stays_on_the_agenda(self, journal: Journal) -> None:
        with journal.write() as w:
            w.append([new_event(1, 1), new_event(2, 1)])
            looked_at = w.agenda(Role.OUTBOUND, START, 10)
        with journal.write() as w:
            w.append([received(1, 1)])
        with journal.write() as w:
            w.settle_agenda(looked_at)
            assert w.agenda(Role.OUTBOUND, START, 10) == [(case_id(1), 3)]

    def test_a_case_put_on_the_agenda_meanwhile_stays_there(self, journal: Journal) -> None:
        with journal.write() as w:
            w.append([new_event(1, 1)])
            looked_at = w.agenda(Role.OUTBOUND, START, 10)
            w.put_on_agenda([case_id(1)])
            w.settle_agenda(looked_at)
            again = w.agenda(Role.OUTBOUND, START, 10)
            assert [case for case, _ in again] == [case_id(1)]
            w.put_on_agenda([case_id(1)])
            w.settle_agenda(again)
            again = w.agenda(Role.OUTBOUND, START, 10)
            assert [case for case, _ in again] == [case_id(1)]
            w.settle_agenda(again)
            assert w.agenda(Role.OUTBOUND, START, 10) == []

    @pytest.mark.parametrize("settled_first", [True, False])
    def test_a_case_comes_back_when_its_time_has_come(
        self, journal: Journal, clock: Clock, settled_first: bool
    ) -> None:
        with journal.write() as w:
            w.append([new_event(1, 1)])
            looked_at = w.agenda(Role.OUTBOUND, START, 10)
            if settled_first:
                w.settle_agenda(looked_at)
            w.put_on_agenda([case_id(1)], LATER)
            if not settled_first:
                w.settle_agenda(looked_at)
            assert w.agenda(Role.OUTBOUND, START, 10) == []
        clock.forward(hours=1)
        with journal.write() as w:
            due = w.agenda(Role.OUTBOUND, clock(), 10)
            assert due == [(case_id(1), 1)]
            w.settle_agenda(due)
            assert w.agenda(Role.OUTBOUND, LATER, 10) == []

    def test_cases_are_found_by_what_lists_ask(self, journal: Journal) -> None:
        closed = case_row(2, role=Role.INBOUND, open=False, status="closed", person_key="key1")
        with journal.write() as w:
            w.put_case(case_row(1))
            w.put_case(closed)
            w.put_case(case_row(3))
        with journal.read() as r:
            assert r.case_row(case_id(2)) == closed
            assert r.case_row(case_id(9)) is None
            assert [row.case_id for row in r.cases()] == [case_id(1), case_id(2), case_id(3)]
            assert r.cases(role=Role.INBOUND) == r.cases(open=False) == r.cases(status="closed") == [closed]
            assert [row.case_id for row in r.cases(person_key="key1")] == [case_id(1), case_id(2)]
            assert [row.case_id for row in r.cases(after_case=case_id(1), limit=1)] == [case_id(2)]

    def test_an_older_look_at_a_case_changes_nothing(self, journal: Journal) -> None:
        with journal.write() as w:
            w.put_case(case_row(1, position=5, status="accepted"))
            w.put_case(case_row(1, position=4, status="applied"))
            assert w.cases()[0].status == "accepted"
            w.put_case(case_row(1, position=6, status="completed"))
            assert w.cases()[0].status == "completed"

    def test_one_case_holds_a_persons_row(self, journal: Journal) -> None:
        with journal.write() as w:
            assert w.take_row("k", "employee", case_id(1)) == case_id(1)
            assert w.take_row("k", "employee", case_id(2)) == case_id(1)
            assert w.take_row("k", "resident", case_id(2)) == case_id(2)
            w.free_row(case_id(1))
            assert w.row_holder("k", "employee") is None
            assert w.take_row("k", "employee", case_id(3)) == case_id(3)
            w.clear_rows()
            assert w.row_holder("k", "resident") is None

    def test_an_erased_value_stays_erased(self, journal: Journal) -> None:
        value = DisclosureRow(case_id(1), "e" * 32, "person.name", b"s" * 16, "张三")
        other = replace(value, field="person.phone", value="1")
        erased = replace(value, salt=None, value=None)
        with journal.write() as w:
            w.disclose([value, other])
            w.disclose([value])
            assert w.disclosures([case_id(1)]) == [value, other]
            w.disclose([erased])
            w.disclose([value])
            assert w.disclosures([case_id(1)]) == [erased, other]

    def test_values_are_found_by_their_event_its_type_and_the_claim_that_plans_it(self, journal: Journal) -> None:
        first, planned = new_event(1, 1), new_event(1, 2)
        stands = DisclosureRow(case_id(1), first.event.event_id, "name", b"s" * 16, "甲")
        claimed = DisclosureRow(case_id(1), planned.event.event_id, "payee", b"t" * 16, "乙")
        elsewhere = DisclosureRow(case_id(2), "e" * 32, "name", b"u" * 16, "丙")
        with journal.write() as w:
            (position,) = w.append([first])
            (claim,) = w.claim([new_claim(1, 2)], "worker", LATER)
            w.disclose([stands, claimed, elsewhere])
            assert w.disclosures_at([position, claim, 99]) == [stands]
            assert w.disclosures_of([case_id(1), case_id(2)], first.event.type) == [stands]
            assert w.disclosures_of([case_id(1)], "TransferApplied") == []
            assert w.disclosures_claimed([position, claim]) == [claimed]
            w.append([planned])
            w.end_claims([claim], "event")
            assert w.disclosures_claimed([claim]) == []


class JournalContract(CasesContract):
    """The exchange's side: bundles, receipts, offsets, what waits."""

    def test_bundles_go_to_their_destination(self, journal: Journal) -> None:
        elsewhere = Party("330100", Role.INBOUND)
        with journal.write() as w:
            one, two, theirs = w.append([new_event(1, 1), new_event(2, 1), received(1, 1)])
            first = w.append_bundle(new_bundle([one]))
            second = w.append_bundle(new_bundle([two], elsewhere))
            got = replace(new_bundle([theirs, 0], None), issuer=PARTNER, arrival=ARRIVAL)
            third = w.append_bundle(got)
            again = w.append_bundle(new_bundle([one]))
        with journal.read() as r:
            assert [b.position for b in r.bundles(0, PARTNER, 10)] == [first, again]
            assert [b.position for b in r.bundles(0, None, 10)] == [first, second, third, again]
            assert [b.position for b in r.bundles(first, None, 1)] == [second]
            assert r.bundles(0, None, 10, issuer_role=Role.INBOUND)[0].bundle == got
            assert r.destinations(Role.OUTBOUND) == [PARTNER, elsewhere]
            assert r.destinations(Role.INBOUND) == []
            carried = [r.bundle_of(position) for position in (one, theirs, 99)]
            assert [b and b.position for b in carried] == [again, third, None]

    def test_an_own_event_waits_for_its_receipt_once_it_is_to_be_sent(self, journal: Journal) -> None:
        with journal.write() as w:
            one, refused, theirs = w.append([new_event(1, 1), new_event(2, 1), received(1, 1)])
            w.append_bundle(new_bundle([one, theirs]))
            w.append_bundle(new_bundle([refused], None))
        with journal.write() as w:
            w.sent([one])
            w.sent([one, theirs])
        with journal.write() as w:
            (waits,) = w.unreceipted(Role.OUTBOUND)
            assert (waits.position, waits.destination, waits.times, waits.last_sent_at) == (one, PARTNER, 2, START)
            assert w.unreceipted(Role.INBOUND) == []
            w.append_receipts([receipt_for(new_event(1, 1), hash=b"x" * 32)])
            assert len(w.unreceipted(limit=5)) == 1
            assert w.receipt_got(case_id(1), Hand.OUTBOUND, 1) is None
            w.settle_agenda(w.agenda(Role.OUTBOUND, START, 10))
            w.append_receipts([receipt_for(new_event(1, 1)), receipt_for(new_event(1, 1), batch=2)])
            assert w.unreceipted() == []
            assert w.receipt_got(case_id(1), Hand.OUTBOUND, 1) == receipt_for(new_event(1, 1))
            assert w.agenda(Role.OUTBOUND, START, 10) == []  # no step follows from a receipt
            w.append_bundle(new_bundle([one]))
            assert w.unreceipted() == []
            w.append_receipts([receipt_for(new_event(2, 1), hash=b"x" * 32)])
            w.append_bundle(new_bundle([refused]))
            assert [row.position for row in w.unreceipted()] == [refused]

    def test_receipts_are_given_in_numbered_batches_and_may_be_repeated(self, journal: Journal) -> None:
        given = receipt_for(received(1, 1), given=True)
        with journal.write() as w:
            w.append([received(1, 1)])
            first, again = w.append_receipts([given, given])
            assert w.receipts_to_give(PARTNER, w.last_position(), 10) == [(first, given), (again, given)]
            assert w.receipts_to_give(PARTNER, first, 10) == [(first, given)]
            assert w.receipts_to_give(replace(PARTNER, region="110000"), 99, 10) == []
            assert w.peers_to_receipt(Role.OUTBOUND, first) == {PARTNER}
            assert w.peers_to_receipt(Role.OUTBOUND, first - 1) == w.peers_to_receipt(Role.INBOUND, first) == set()
            assert w.last_receipts_sent(PARTNER) is None
            w.receipts_sent([first], PARTNER, 1, b"signed 1")
        with journal.write() as w:
            for positions, batch in (([again], 1), ([again], 3), ([first], 2)):
                with pytest.raises(Moved):
                    w.receipts_sent(positions, PARTNER, batch, b"signed 2")
            w.receipts_sent([again], PARTNER, 2, b"signed 2")
            assert w.last_receipts_sent(PARTNER) == (2, b"signed 2")
            batches = w.receipt_batches(0, PARTNER, 10)
            assert [payload for _, payload in batches] == [b"signed 1", b"signed 2"]
            assert w.receipt_batches(batches[0][0], PARTNER, 10) == batches[1:]
            assert w.receipt_batches(0, replace(PARTNER, region="110000"), 10) == []
            assert w.receipts_to_give(PARTNER, w.last_position(), 10) == []
            assert w.case_receipts([case_id(1)]) == [replace(given, batch=1), replace(given, batch=2)]

    def test_an_offset_moves_only_from_where_the_batch_began(self, journal: Journal) -> None:
        with journal.write() as w:
            assert w.offset("t", 0) is None
            w.advance("t", 0, None, 5)
            w.advance("t", 0, 5, 9)
            for expected in (None, 5):
                with pytest.raises(Moved):
                    w.advance("t", 0, expected, 12)
            with pytest.raises(Moved):
                w.advance("t", 1, 5, 12)
            assert w.offset("t", 0) == 9

    def test_a_cursor_moves_only_from_where_it_stood(self, journal: Journal) -> None:
        with journal.write() as w:
            assert w.cursor("relay") == 0
            w.move_cursor("relay", 0, 4)
            for expected in (0, 3):
                with pytest.raises(Moved):
                    w.move_cursor("relay", expected, 8)
            w.move_cursor("relay", 4, 8)
            assert (w.cursor("relay"), w.cursor("receipts")) == (8, 0)

    def test_a_lease_is_held_until_it_ends(self, journal: Journal, clock: Clock) -> None:
        with journal.write() as w:
            assert w.lease("steps", "a", LATER)
            assert not w.lease("steps", "b", LATER)
            assert w.lease("steps", "a", LATER)
        clock.forward(hours=1)
        with journal.write() as w:
            assert w.lease("steps", "b", LATER + timedelta(hours=1))
            assert not w.lease("steps", "a", LATER + timedelta(hours=1))

    def test_what_waits_is_held_and_let_go(self, journal: Journal) -> None:
        value = DisclosureRow(case_id(1), "e" * 32, "person.name", b"s" * 16, "张三")
        with journal.write() as w:
            second, first = w.hold(held_event(1, 3)), w.hold(held_event(1, 2, "seen"))
            assert w.hold(held_event(1, 3, "unknown", [value])) == second
            w.hold(held_event(1, 3, "unknown"))
            assert [one.id for one in w.held(case_id(1))] == [first, second]
            assert w.held(reason="unknown") == [replace(held_event(1, 3, "unknown", [value]), id=second)]
            assert (w.held_count("310000"), w.held_count("110000")) == (2, 0)
            w.unhold([first, second])
            assert w.held() == []
            assert w.hold(held_event(1, 2)) > second

    def test_what_cannot_be_placed_is_parked_until_it_is_settled(self, journal: Journal) -> None:
        with journal.write() as w:
            one, two = w.park(parked_record()), w.park(parked_record("not_avro"))
            assert w.parked_record(one) == replace(parked_record(), id=one)
            assert [record.id for record in w.parked(code="not_avro")] == [two]
            assert [record.id for record in w.parked(limit=1)] == [one]
            assert [record.id for record in w.parked(after=one)] == [two]
            assert w.parked(after=one, code="unknown_key") == w.parked(after=two) == []
            code, data = parked_record().code, parked_record().bytes
            assert w.stands_parked(code, data)
            assert not w.stands_parked("another", data)
            assert not w.stands_parked(code, data + b"x")
            w.settle_parked(one, "taken_in")
            assert not w.stands_parked(code, data)
            w.settle_parked(one, "dropped by 0417")
            assert [record.id for record in w.parked()] == [two]
            assert [record.settled for record in w.parked(settled=True)] == ["taken_in"]

    def test_what_stands_in_todo_is_not_doubled(self, journal: Journal, clock: Clock) -> None:
        def alarm(case: str | None = case_id(1), data: str = "{}") -> int:
            return w.raise_todo("alarm", "other_bytes", case, "字节不同。", "Other bytes.", data)

        with journal.write() as w:
            one = alarm()
            clock.forward(hours=1)
            assert alarm() == one
            assert len({one, alarm(None), alarm(data='{"seq":1}')}) == 3
            assert w.todos(kind="failed") == []
            assert w.todos()[0] == Todo(
                one, "alarm", "other_bytes", case_id(1), "字节不同。", "Other bytes.", "{}", START
            )
            w.clear_todo(one)
            assert [item.id for item in w.todos(cleared=True)] == [one]
            assert alarm() != one

    def test_a_fact_holds_from_its_position_on(self, journal: Journal) -> None:
        with journal.write() as w:
            w.append_fact(Fact("calendar_added", '{"year":2027}'))
            w.append_fact(Fact("key_revoked", "{}"))
            assert w.facts("calendar_added") == [Fact("calendar_added", '{"year":2027}', 1, START)]
            assert [fact.position for fact in w.facts()] == [1, 2]

    def test_a_note_is_kept(self, journal: Journal) -> None:
        with journal.write() as w:
            w.set_note("notices/310000.inbound", "1")
            w.set_note("notices/310000.inbound", "2")
        with journal.read() as r:
            assert (r.note("notices/310000.inbound"), r.note("other")) == ("2", None)
