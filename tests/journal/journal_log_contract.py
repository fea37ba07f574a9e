"""What every journal's log does: crashes, several processes, rebuilding, taking in another journal's lines."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import pytest
from journal_given import REGION, START, Clock, Crash, Place, case_id, case_row, fill, new_claim, new_event, seqs

from jiexu.case.event import Hand, Role
from jiexu.journal.ddl import DERIVED
from jiexu.journal.port import Journal, JournalConflict, LogLine, SeqTaken

ALL = (*DERIVED, "head", "log")
SPAWN = multiprocessing.get_context("spawn")
WRITERS, EVENTS_EACH = 4, 40


def append_until_done(place: Place, answers: Connection) -> None:
    """A process that appends to one hand together with others, and says which places it got."""
    journal = place.open()
    got = []
    while len(got) < EVENTS_EACH:
        with journal.read() as r:
            head = r.heads([case_id(1)]).get(case_id(1))
        seq = 1 + (head.hands[Hand.OUTBOUND][0] if head else 0)
        try:
            with journal.write() as w:
                (position,) = w.append([new_event(1, seq)])
        except SeqTaken:
            continue
        got.append((seq, position))
    answers.send(got)


def append_for_ever(place: Place, case: int, answers: Connection) -> None:
    """A process that appends until it is killed, and says what is durable."""
    journal = place.open()
    seq = 0
    while True:
        with journal.write() as w:
            positions = w.append([new_event(case, seq + 1), new_event(case, seq + 2)])
        seq += 2
        answers.send((seq, positions[-1]))


def rest_of(answers: Connection) -> list[tuple[int, int]]:
    """What a killed process had said; a word that it was in the middle of does not count."""
    rest = []
    while answers.poll():
        try:
            rest.append(answers.recv())
        except (EOFError, OSError):
            break
    return rest


class LogContract:
    """The log and what is a function of it."""

    @pytest.fixture
    def filled(self, place: Place) -> Any:
        journal = place.open(clock=Clock())
        fill(journal)
        yield journal
        journal.close()

    def test_several_processes_never_share_a_place_or_a_position_and_a_follower_misses_none(self, place: Place) -> None:
        journal = place.open()
        followed: list[int] = []

        def follow() -> None:
            with journal.read() as r:
                followed.extend(line.position for line in r.log(followed[-1] if followed else 0, 1000))

        pairs = [SPAWN.Pipe(duplex=False) for _ in range(WRITERS)]
        processes = [SPAWN.Process(target=append_until_done, args=(place, out)) for _, out in pairs]
        for process, (_, out) in zip(processes, pairs, strict=True):
            process.start()
            out.close()  # so that a process that dies ends the test instead of keeping it waiting
        got = []
        for answers, _ in pairs:
            while not answers.poll(0.02):
                follow()
            got += answers.recv()
        for process in processes:
            process.join()
        follow()
        count = WRITERS * EVENTS_EACH
        assert followed == list(range(1, count + 1))
        assert sorted(got) == [(n, n) for n in range(1, count + 1)]
        with journal.read() as r:
            assert seqs(r, 1) == [line.position for line in r.log(0, count + 1)] == list(range(1, count + 1))
        journal.close()

    def test_what_was_acknowledged_survives_a_killed_writer(self, place: Place) -> None:
        place.open().close()
        for case in range(1, 4):
            answers, out = SPAWN.Pipe(duplex=False)
            process = SPAWN.Process(target=append_for_ever, args=(place, case, out))
            process.start()
            out.close()
            acknowledged = [answers.recv() for _ in range(7 * case)]
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            acknowledged += rest_of(answers)
            place.check()
            journal = place.open()
            with journal.read() as r:
                stored = seqs(r, case)
                last_seq, last_position = acknowledged[-1]
                assert stored == list(range(1, len(stored) + 1))
                assert len(stored) % 2 == 0
                assert len(stored) >= last_seq
                assert r.last_position() >= last_position
                positions = [line.position for line in r.log(0, 1_000_000)]
                assert positions == list(range(1, r.last_position() + 1))
            before = place.dump(ALL)
            with journal.write() as w:
                w.rebuild()
            assert place.dump(ALL) == before
            journal.close()

    @pytest.mark.parametrize("point", ["log_written", "tables_written", "before_commit", "after_commit"])
    def test_a_crash_leaves_a_block_whole_or_not_at_all(self, place: Place, point: str) -> None:
        def die(name: str) -> None:
            if name == point:
                raise Crash

        place.open().close()
        empty = place.dump(ALL)
        dying = place.open(fault=die)
        with pytest.raises(Crash), dying.write() as w:
            w.append([new_event(1, 1), new_event(2, 1)])
        dying.close()
        if point == "after_commit":
            assert len(place.dump(["events"])["events"]) == 2
        else:
            assert place.dump(ALL) == empty

    def test_a_rebuild_gives_the_same_tables(self, place: Place, filled: Journal) -> None:
        before = place.dump(ALL)
        assert all(before.values()), "every table has rows to compare"
        with filled.write() as w:
            w.put_case(case_row(1))
            w.settle_agenda(w.agenda(Role.OUTBOUND, START, 10))
            w.rebuild()
            assert {case for case, _ in w.agenda(Role.OUTBOUND, START, 10)} == {case_id(n) for n in (1, 2, 3)}
            assert w.cases() == []
        assert place.dump(ALL) == before

    @pytest.mark.parametrize("lines_at_once", [1, 3, 100])
    def test_another_journal_that_takes_in_the_log_is_the_same(
        self, place: Place, other_place: Place, filled: Journal, lines_at_once: int
    ) -> None:
        other = other_place.open(clock=Clock())
        with filled.read() as r:
            total = r.last_position()
            while lines := r.log(other_last(other), lines_at_once):
                with other.write() as w:
                    assert w.absorb(lines) == len(lines)
            with other.write() as w:
                assert w.absorb(r.log(0, 1000)) == 0
        assert other_last(other) == total
        assert other_place.dump(ALL) == place.dump(ALL)
        with other.read() as copy, filled.read() as r:
            assert copy.unreceipted() == r.unreceipted()
            assert copy.case_receipts([case_id(1), case_id(3)]) == r.case_receipts([case_id(1), case_id(3)])
            assert len(copy.agenda(Role.OUTBOUND, START, 10)) == 3
        other.close()

    def test_the_log_goes_on_where_another_ended(self, other_place: Place, filled: Journal) -> None:
        other = other_place.open(clock=Clock())
        with filled.read() as r, other.write() as w:
            w.absorb(r.log(0, 1000))
            end = r.last_position()
            assert w.append([new_event(9, 1)]) == [end + 1]
            assert w.log(end, 1)[0].incarnation == w.incarnation() != r.incarnation()
        other.close()

    def test_after_a_rebuild_from_a_ledger_an_open_claim_counts_as_begun(
        self, other_place: Place, place: Place
    ) -> None:
        journal, other = place.open(), other_place.open()
        with journal.write() as w:
            w.claim([new_claim(1, 1)], "worker", START)
            lines = w.log(0, 10)
            assert [claim.begun for claim in w.open_claims()] == [False]
            w.renew_incarnation()
            assert [(claim.begun, claim.owner) for claim in w.open_claims()] == [(True, "")]
        with other.write() as w:
            w.absorb(lines)
            assert [claim.begun for claim in w.open_claims()] == [True]
            w.rebuild()
            assert [claim.begun for claim in w.open_claims()] == [True]

    @pytest.mark.parametrize("event_first", [True, False])
    def test_a_claim_ends_with_its_event_wherever_the_ledger_was_cut(
        self, place: Place, other_place: Place, event_first: bool
    ) -> None:
        journal, other = place.open(), other_place.open()
        with journal.write() as w:
            (claim,) = w.claim([new_claim(1, 1)], "worker", START)
            if not event_first:
                w.end_claims([claim], "event")
            w.append([new_event(1, 1)])
            if event_first:
                w.end_claims([claim], "event")
            cut = w.log(0, 2)
        with other.write() as w:
            w.absorb(cut)
            assert len(w.open_claims()) == (0 if event_first else 1)

    def test_a_line_that_differs_is_a_conflict(self, filled: Journal) -> None:
        with filled.read() as r:
            lines = r.log(0, 3)
        changes: list[Callable[[LogLine], LogLine]] = [
            lambda line: line._replace(payload=line.payload + b"x"),
            lambda line: line._replace(kind="fact"),
            lambda line: line._replace(incarnation="0" * 32),
        ]
        for change in changes:
            with pytest.raises(JournalConflict), filled.write() as w:
                w.absorb([lines[0], change(lines[1])])

    def test_a_line_that_cannot_follow_is_a_conflict(self, place: Place, filled: Journal) -> None:
        before = place.dump(ALL)
        with filled.read() as r:
            first, last = r.log(0, 1)[0], r.last_position()
        for line in (
            first._replace(position=last + 1),
            first._replace(position=last + 1, kind="novelty"),
            first._replace(position=last + 1, payload=b"no record"),
        ):
            with pytest.raises(JournalConflict), filled.write() as w:
                w.absorb([line])
        assert place.dump(ALL) == before

    def test_a_missing_line_is_an_error(self, filled: Journal, other_place: Place) -> None:
        with filled.read() as r:
            lines = r.log(0, 3)
        other = other_place.open()
        for broken in (lines[1:], [lines[0], lines[2]]):
            with pytest.raises(ValueError, match="missing"), other.write() as w:
                w.absorb(broken)
        assert other_last(other) == 0

    def test_the_journal_says_whose_it_is(self, filled: Journal) -> None:
        assert filled.region == REGION


def other_last(journal: Journal) -> int:
    """The last position of a journal."""
    with journal.read() as r:
        return r.last_position()
