"""What the metrics say is what the journal, the worklist and the other commands say."""

import math
from collections import Counter
from datetime import datetime, timedelta

import pytest

from jiexu.case.event import OWN_HAND, Role
from jiexu.journal.port import NewClaim
from jiexu.service.agency import BEIJING
from jiexu.service.views import worklist
from jiexu.service.watching.exchange_figures import MailboxLag
from jiexu.service.watching.journal_figures import followers_behind
from tests.service.pair import IN, OUT, WENZHOU, XIAN, World
from tests.service.watched import Watched, watched

__all__ = ["watched"]

BOTH = ((XIAN, OUT), (WENZHOU, IN))


def due_by_worklist(pair: World, code: str, role: Role) -> dict[tuple[str, ...], float]:
    """What the worklist shows, counted as the metric counts."""
    found: Counter[tuple[str, ...]] = Counter()
    for item in worklist(pair.desks[code], role):
        when = "undated" if item.due is None else "overdue" if item.overdue else "later"
        if item.due is not None and not item.overdue and item.days_left is not None and item.days_left <= 2:
            when = "soon"
        found[item.track or "relation", "ours" if item.ours else "theirs", when] += 1
    return dict(found)


def due(watched: Watched, code: str, role: Role) -> dict[tuple[str, ...], float]:
    """The metric, what is zero left out."""
    assert watched.value(code, role, "jiexu_obligations_complete") == 1
    return {labels: count for labels, count in watched.values(code, role, "jiexu_obligations").items() if count}


def turn_without_upkeep(pair: World) -> None:
    """Turns of all services, in which nothing that is parked is tried again by itself."""
    for _ in range(30):
        for service in pair.services.values():
            service._due.clear()
            service._due["upkeep"] = math.inf
            service.turn(0.0)


def test_what_is_due_is_counted_as_the_worklist_shows_it_while_days_go_by(pair: World, watched: Watched) -> None:
    seen = set()
    pair.stopped |= {(XIAN, OUT)}
    for who in pair.moves(1, 2, 3):
        pair.case_of(who)
    for one, away in (((WENZHOU, IN), (XIAN, OUT)), ((XIAN, OUT), (WENZHOU, IN))):
        pair.stopped = {away}
        pair.idle()
        for _ in range(8):
            pair.clock.pass_by(days=1)
            shown = due(watched, *one)
            assert shown == due_by_worklist(pair, *one)
            seen |= {when for _, _, when in shown}
    assert seen == {"later", "soon", "overdue"}
    pair.stopped.clear()
    pair.idle()
    assert due(watched, WENZHOU, IN) == due_by_worklist(pair, WENZHOU, IN)
    assert due(watched, XIAN, OUT) == due_by_worklist(pair, XIAN, OUT)


def test_what_a_changed_case_owes_is_counted_anew_and_a_watch_that_starts_late_counts_the_same(
    pair: World, watched: Watched
) -> None:
    people = pair.moves(1, 2, 3)
    for who in people[:2]:
        pair.case_of(who)
    assert due(watched, WENZHOU, IN) == {("relation", "theirs", "soon"): 2}
    pair.idle()
    pair.case_of(people[2])
    assert due(watched, WENZHOU, IN) == due_by_worklist(pair, WENZHOU, IN) == {("relation", "theirs", "soon"): 1}
    late = Watched(pair)
    try:
        assert due(late, WENZHOU, IN) == due(watched, WENZHOU, IN)
    finally:
        late.close()


def test_events_are_counted_by_type_for_the_service_of_their_role_and_go_on_over_a_restart(
    pair: World, watched: Watched
) -> None:
    cases = [pair.case_of(who) for who in pair.moves(1, 2)]
    pair.idle()
    for code, role in BOTH:
        stored: Counter[tuple[str, ...]] = Counter()
        with pair.desks[code].journal.read() as read:
            for case_id in cases:
                for one in read.case_events(case_id):
                    stored[one.event.type, "issued" if one.arrival is None else "received", str(int(one.void))] += 1
        assert watched.values(code, role, "jiexu_events_total") == stored
        assert watched.values(code, role.other, "jiexu_events_total") == {}
    before = watched.values(WENZHOU, IN, "jiexu_events_total")
    watched.watches.pop((WENZHOU, IN)).stop()
    pair.restart(WENZHOU, IN)
    assert watched.values(WENZHOU, IN, "jiexu_events_total") == before
    pair.case_of(pair.moves(3)[0])
    after = watched.values(WENZHOU, IN, "jiexu_events_total")
    assert after["TransferApplied", "issued", "0"] == before["TransferApplied", "issued", "0"] + 1


def test_half_a_count_of_events_is_not_shown(pair: World, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jiexu.service.watching.event_counts.LINES_AT_ONCE", 3)
    monkeypatch.setattr("jiexu.service.watching.journal_figures.CATCH_UP_SECONDS", -1.0)
    pair.case_of(pair.moves(1)[0])
    pair.idle()
    scrapes = 0
    while not (shown := watched.values(WENZHOU, IN, "jiexu_events_total")):
        scrapes += 1
    assert scrapes > 2
    assert sum(shown.values()) == 7


def test_cases_are_counted_by_status(pair: World, watched: Watched) -> None:
    first, second = pair.moves(1, 2)
    pair.case_of(first)
    pair.idle()
    pair.case_of(second)
    statuses = watched.values(WENZHOU, IN, "jiexu_cases")
    assert {status: count for (status,), count in statuses.items() if count} == {"closed": 1, "applied": 1}
    assert sum(watched.values(WENZHOU, OUT, "jiexu_cases").values()) == 0


def test_a_mailbox_that_nobody_reads_shows_in_records_and_in_time() -> None:
    lag = MailboxLag()
    assert lag.seconds(0, next=5, end=5, now=100.0) == 0
    assert lag.seconds(0, next=5, end=7, now=110.0) == 0
    assert lag.seconds(0, next=5, end=9, now=130.0) == 20
    assert lag.seconds(0, next=8, end=9, now=140.0) == 10, "what came at 110 is taken in, what came at 130 is not"
    assert lag.seconds(0, next=9, end=9, now=150.0) == 0


def test_records_that_wait_in_the_mailbox_are_counted_before_and_after_intake(pair: World, watched: Watched) -> None:
    pair.stopped |= {(XIAN, OUT)}
    pair.case_of(pair.moves(1)[0])
    pair.turn()
    assert sum(watched.values(XIAN, OUT, "jiexu_intake_lag_records").values()) == 1
    pair.stopped.clear()
    pair.idle()
    assert sum(watched.values(XIAN, OUT, "jiexu_intake_lag_records").values()) == 0


def test_parked_and_held_are_counted_with_their_age_and_gone_when_they_are_settled(
    pair: World, watched: Watched
) -> None:
    pair.post(XIAN, OUT, b"no record")
    pair.idle()
    pair.clock.pass_by(hours=2)
    assert watched.values(XIAN, OUT, "jiexu_parked_records") == {("not_avro",): 1}
    assert watched.values(XIAN, OUT, "jiexu_parked_oldest_seconds") == {("not_avro",): 7200}
    assert watched.values(XIAN, IN, "jiexu_parked_records") == {}
    with pair.desks[XIAN].journal.write() as write:
        write.settle_parked(pair.parked(XIAN)[0].id, "dropped by D0117")
    assert watched.values(XIAN, OUT, "jiexu_parked_records") == {}


def test_a_parked_record_blocks_nothing_and_goes_from_the_metrics_once_it_is_taken_in(
    pair: World, watched: Watched
) -> None:
    """The directory does not know the sender for a while: one case waits, the next one goes on."""
    first, second = pair.moves(1, 2)
    case_id = pair.case_of(first)
    pair.park_for_unknown_sender()
    assert watched.values(XIAN, OUT, "jiexu_parked_records") == {("key_unknown",): 1}
    with pair.desks[XIAN].journal.read() as read:
        assert read.case_events(case_id) == []
    other = pair.case_of(second)
    turn_without_upkeep(pair)
    assert pair.status(other) == "closed", "the next case ends while the first waits"
    assert pair.services[XIAN, OUT].intake.retry(pair.parked(XIAN)[0].id) is None
    pair.idle()
    assert (pair.status(case_id), pair.status(other)) == ("closed", "closed")
    assert watched.values(XIAN, OUT, "jiexu_parked_records") == {}
    pair.agreed()


def test_what_waits_for_a_person_is_counted_by_code(pair: World, watched: Watched) -> None:
    with pair.desks[XIAN].journal.write() as write:
        number = write.raise_todo("alarm", "offset_expired", None, "一", "one")
        write.raise_todo("failed", "refused", None, "二", "two")
    pair.clock.pass_by(minutes=1)
    assert watched.values(XIAN, OUT, "jiexu_todo_items") == {("alarm", "offset_expired"): 1, ("failed", "refused"): 1}
    assert watched.values(XIAN, OUT, "jiexu_todo_oldest_seconds")["alarm", "offset_expired"] == 60
    with pair.desks[XIAN].journal.write() as write:
        write.clear_todo(number)
    assert watched.values(XIAN, OUT, "jiexu_todo_items") == {("failed", "refused"): 1}


def test_a_partner_is_silent_from_the_oldest_event_that_it_owes_a_receipt_for(pair: World, watched: Watched) -> None:
    first, second = pair.moves(1, 2)
    pair.case_of(first)
    pair.idle()
    assert watched.values(WENZHOU, IN, "jiexu_partner_silence_seconds") == {}
    pair.clock.pass_by(days=30)
    pair.stopped |= {(XIAN, OUT)}
    pair.case_of(second)
    pair.idle()
    assert watched.values(WENZHOU, IN, "jiexu_partner_silence_seconds") == {(XIAN,): 0}, "it owed nothing for 30 days"
    pair.clock.pass_by(hours=5)
    assert watched.values(WENZHOU, IN, "jiexu_unreceipted_events") == {(XIAN,): 1}
    assert watched.values(WENZHOU, IN, "jiexu_unreceipted_oldest_seconds") == {(XIAN,): 5 * 3600}
    assert watched.values(WENZHOU, IN, "jiexu_partner_silence_seconds") == {(XIAN,): 5 * 3600}
    pair.stopped.clear()
    pair.idle()
    assert watched.values(WENZHOU, IN, "jiexu_unreceipted_events") == {}


def test_a_partner_that_sends_but_owes_a_receipt_is_not_silent(pair: World, watched: Watched) -> None:
    first, second = pair.moves(1, 2)
    pair.case_of(first)
    pair.park_for_unknown_sender()
    pair.clock.pass_by(minutes=20)
    assert watched.values(WENZHOU, IN, "jiexu_partner_silence_seconds") == {(XIAN,): 1200}
    pair.case_of(second)
    turn_without_upkeep(pair)
    pair.clock.pass_by(minutes=10)
    assert watched.values(WENZHOU, IN, "jiexu_partner_silence_seconds") == {(XIAN,): 600}
    assert watched.values(WENZHOU, IN, "jiexu_unreceipted_oldest_seconds") == {(XIAN,): 1800}
    assert watched.values(WENZHOU, IN, "jiexu_unreceipted_events") == {(XIAN,): 1}


def test_every_cursor_in_the_journal_belongs_to_a_follower_that_is_watched(pair: World) -> None:
    pair.case_of(pair.moves(1)[0])
    pair.post(XIAN, OUT, b"no record")
    pair.idle()
    found: set[str] = set()
    shown: set[str] = set()
    for code, role in BOTH:
        with pair.desks[code].journal.read() as read:
            behind = followers_behind(read, role)
            found |= {name.split(":")[0] for name in read.cursors()}
        shown |= {name for name, _ in behind}
        assert all(tally.count == 0 for tally in behind.values()), behind
    same = {"letters": "receipts", "deadletter": "deadletters"}
    # Two have no backlog to count here: the bank's book is the platform's, a notice follows a parked record.
    assert {same.get(name, name) for name in found} - {"bank", "notices"} == shown


def test_followers_that_cannot_go_on_show_how_much_waits_and_for_how_long(pair: World, watched: Watched) -> None:
    relay = pair.services[WENZHOU, IN].relay
    relay.turn, held = (lambda: 0), relay.turn  # type: ignore[method-assign]
    pair.case_of(pair.moves(1)[0])
    pair.idle()
    pair.clock.pass_by(minutes=3)
    assert watched.values(WENZHOU, IN, "jiexu_follower_lag_lines")["relay", XIAN] == 1
    assert watched.values(WENZHOU, IN, "jiexu_follower_lag_seconds")["relay", XIAN] == 180
    relay.turn = held  # type: ignore[method-assign]
    pair.idle()
    assert not any(watched.values(WENZHOU, IN, "jiexu_follower_lag_lines").values())


def test_the_ledgers_lag_shows_until_it_holds_the_log(pair: World, watched: Watched) -> None:
    pair.case_of(pair.moves(1)[0])
    pair.clock.pass_by(seconds=90)
    assert watched.value(WENZHOU, IN, "jiexu_ledger_lag_lines") > 0
    assert watched.value(WENZHOU, IN, "jiexu_ledger_lag_seconds") == 90
    assert [reason.code for reason in watched.watch(WENZHOU, IN).ready().reasons] == ["start_check", "ledger"]
    pair.idle()
    assert watched.value(WENZHOU, IN, "jiexu_ledger_lag_lines") == 0


def test_an_open_claim_and_a_changed_case_show(pair: World, watched: Watched) -> None:
    case_id = pair.case_of(pair.moves(1)[0])
    assert watched.value(WENZHOU, IN, "jiexu_agenda_cases") == 1
    pair.turn()
    with pair.desks[WENZHOU].journal.read() as read:
        heads = read.heads([case_id])
    assert watched.value(WENZHOU, IN, "jiexu_claims_open") == 0
    with pair.desks[WENZHOU].journal.write() as write:
        seq = heads[case_id].hands[OWN_HAND[IN]][0] + 1
        claim = NewClaim(case_id, OWN_HAND[IN], "complete", 1, seq, (), "{}")
        write.claim([claim], "other", pair.clock() + timedelta(days=1))
    pair.clock.pass_by(minutes=10)
    assert watched.value(WENZHOU, IN, "jiexu_claims_open") == 1
    assert watched.value(WENZHOU, IN, "jiexu_claims_oldest_seconds") == 600


def test_the_set_up_says_until_when_it_lasts(pair: World, watched: Watched) -> None:
    agency = pair.agencies[XIAN, OUT]
    known = watched.value(XIAN, OUT, "jiexu_calendar_known_until_timestamp_seconds")
    last_day = datetime.fromtimestamp(known - 1, BEIJING).date()
    assert (last_day.month, last_day.day, agency.calendar.is_published(last_day.year)) == (12, 31, True)
    key = (agency.signer.key_id,)
    assert watched.values(XIAN, OUT, "jiexu_signing_key_usable") == {key: 1}
    assert watched.values(XIAN, OUT, "jiexu_signing_key_expiry_timestamp_seconds") == {key: math.inf}
    assert watched.value(XIAN, OUT, "jiexu_directory_online_until_timestamp_seconds") == math.inf
    assert watched.value(XIAN, OUT, "jiexu_directory_regions") == 3


def test_a_journal_in_postgresql_says_the_same(pair_on_postgres: World) -> None:
    """Everything is counted there too, by the same statements."""
    seen = Watched(pair_on_postgres)
    try:
        case_id = pair_on_postgres.case_of(pair_on_postgres.moves(1)[0])
        assert due(seen, WENZHOU, IN) == due_by_worklist(pair_on_postgres, WENZHOU, IN)
        pair_on_postgres.idle()
        assert pair_on_postgres.status(case_id) == "closed"
        seen.close()
        seen = Watched(pair_on_postgres)  # a first look waits for nothing; a later one rests after a dear one
        text = seen.scrape(WENZHOU, IN)
    finally:
        seen.close()
    applied = 'direction="issued",region="330300",role="inbound",type="TransferApplied",void="0"'
    assert f"jiexu_events_total{{{applied}}} 1.0" in text
    assert 'jiexu_cases{region="330300",role="inbound",status="closed"} 1.0' in text
    assert 'jiexu_watch_failures_total{region="330300",role="inbound",source="journal"} 0.0' in text
    shown = {line.split("{")[0] for line in text.splitlines() if line.startswith("jiexu_")}
    assert {"jiexu_journal_size_bytes", "jiexu_ledger_lag_seconds", "jiexu_follower_lag_lines"} <= shown
