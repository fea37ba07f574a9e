"""When something is due: started by events and receipts, counted in working days, the same on both sides."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from jiexu.calendar import Calendar, Deadline
from jiexu.case.obligations import Obligation, Since, Track, relation_obligation
from jiexu.region.directory.entries import Promise
from jiexu.region.directory.file import load_participants
from jiexu.service.agency import Agency
from jiexu.service.deadlines import due_of, frozen_ruleset, is_unreceipted
from jiexu.service.dossier import Dossier, dossiers
from jiexu.service.timeline import timeline
from tests.calendar.invented_year import as_plan, year_2027
from tests.service.pair import CHENGDU, IN, OUT, WENZHOU, XIAN, World
from tests.service.seen import beijing, left_to_clerks


def dossier(world: World, code: str, case_id: str) -> Dossier:
    """The dossier of a case as a region has it."""
    agency = world.desks[code]
    with agency.journal.read() as read:
        return dossiers(agency, read, [case_id])[case_id]


def relation_due(world: World, code: str, case_id: str) -> Deadline:
    """The deadline of the relation track's holder."""
    found = dossier(world, code, case_id)
    obligation = relation_obligation(found.case.view)
    assert obligation is not None
    due = found.due(obligation)
    assert due is not None
    return due


def accepted(world: World) -> str:
    """A case that waits for outbound's form."""
    left_to_clerks(world, XIAN, OUT, "upload")
    (who,) = world.moves(1)
    case_id = world.case_of(who)
    world.idle()
    assert world.status(case_id) == "accepted"
    return case_id


def test_ten_working_days_step_over_the_october_holidays_and_count_the_moved_workday(pair: World) -> None:
    pair.clock.now = beijing(2026, 9, 28)
    due = relation_due(pair, XIAN, accepted(pair))
    # 09-29, 09-30, 10-08, 10-09, Saturday 10-10 (worked), then Monday 10-12 to Friday 10-16
    assert (due.clock, due.owner, due.length, due.due) == ("form", f"{XIAN}.outbound", 10, date(2026, 10, 16))
    assert due.due_at == beijing(2026, 10, 17, 0)
    assert not due.provisional


def test_the_day_begins_in_beijing(pair: World) -> None:
    pair.clock.now = beijing(2026, 9, 29, 0, 30)  # still the 28th in UTC
    assert relation_due(pair, XIAN, accepted(pair)).due == date(2026, 10, 17) + timedelta(days=2)


def test_a_deadline_beyond_the_last_published_year_is_provisional_until_the_year_is_added(pair: World) -> None:
    agency = pair.desks[XIAN]
    known = agency.calendar
    until_2026 = [plan for plan in known.national if plan.year <= 2026]
    agency.calendar = Calendar(tuple(until_2026), known.overlays, known.own_days)
    pair.clock.now = beijing(2026, 12, 28)
    case_id = accepted(pair)
    before = relation_due(pair, XIAN, case_id)
    assert before.provisional
    assert before.due == date(2027, 1, 11), "Monday to Friday, as an estimate"
    agency.calendar = Calendar((*until_2026, as_plan(year_2027())), known.overlays, known.own_days)
    after = relation_due(pair, XIAN, case_id)
    assert not after.provisional
    assert after.due == date(2027, 1, 12), "the notice names New Year's Day"
    assert after.calendar != before.calendar


def test_a_clock_that_begins_with_received_begins_at_the_mailbox_and_not_at_the_sender_s_desk(pair: World) -> None:
    (who,) = pair.moves(1)
    left_to_clerks(pair, XIAN, OUT, "answer")
    case_id = pair.case_of(who)  # Monday 03-09; the lodger's service is off, so nothing is sent
    own = relation_due(pair, WENZHOU, case_id)
    assert is_unreceipted(own)
    assert own.due == date(2026, 3, 11)
    pair.clock.pass_by(days=2)
    pair.idle()
    for code in (XIAN, WENZHOU):
        due = relation_due(pair, code, case_id)
        assert due.start == beijing(2026, 3, 11)
        assert due.due == date(2026, 3, 13)
        assert not is_unreceipted(due)
        assert due.start_kind == "application_received"


def test_a_service_that_is_switched_off_does_not_stop_its_clock(pair: World) -> None:
    (who,) = pair.moves(1)
    left_to_clerks(pair, XIAN, OUT, "answer")
    pair.stopped.add((XIAN, OUT))
    case_id = pair.case_of(who)
    pair.idle()  # reaches the mailbox, is not read
    pair.clock.pass_by(days=3)
    pair.stopped.clear()
    pair.idle()
    assert relation_due(pair, XIAN, case_id).due == date(2026, 3, 11)
    assert relation_due(pair, WENZHOU, case_id).due == date(2026, 3, 11)


def test_a_clock_that_begins_with_acceptance_begins_when_it_was_issued(pair: World) -> None:
    left_to_clerks(pair, XIAN, OUT, "upload")
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.stopped = {(XIAN, OUT)}
    pair.idle()  # sent
    pair.stopped = {(WENZHOU, IN)}
    pair.idle()  # accepted, and the acceptance is not read
    pair.clock.pass_by(days=4)
    pair.stopped.clear()
    pair.idle()
    due = relation_due(pair, WENZHOU, case_id)
    assert (due.start_kind, due.start, due.due) == ("acceptance", beijing(2026, 3, 9), date(2026, 3, 23))


def test_both_sides_of_a_pair_state_the_same_deadlines_once_receipts_are_exchanged(pair: World) -> None:
    left_to_clerks(pair, WENZHOU, IN, "complete")
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    for _ in range(6):  # hours between desk, mailbox and journal
        pair.turn()
        pair.clock.pass_by(hours=7)
    pair.idle()
    pair.act(WENZHOU, case_id, "query_form", field="periods", text="缺 2023 年")
    pair.clock.pass_by(days=1)
    pair.idle()
    pair.act(XIAN, case_id, "explain_form", text="2023 年未参保")
    pair.clock.pass_by(days=1)
    pair.idle()
    pair.act(WENZHOU, case_id, "complete")
    pair.idle()
    assert pair.status(case_id) == "closed"
    sides = []
    for code in (XIAN, WENZHOU):
        started = [clock for entry in timeline(pair.desks[code], case_id).entries for clock in entry.starts]
        sides.append([(c.clock, c.start, c.start_kind, c.due, c.calendar) for c in started])
    assert sides[0] == sides[1]
    clocks = {clock for clock, *_ in sides[0]}
    assert clocks == {"answer", "form", "complete", "remit", "arrival_booked", "form_query_answer", "credit"}


def test_the_ruleset_of_the_acceptance_gives_the_length_whatever_holds_today(pair: World) -> None:
    case_id = accepted(pair)
    found = dossier(pair, WENZHOU, case_id)
    accepted_event = found.case.event(OUT, 1)
    assert frozen_ruleset(found.case).id == accepted_event.ruleset
    promised = replace(accepted_event, ruleset="national-2021.1~330300.1")
    found.case.times[OUT, 1] = promised
    assert frozen_ruleset(found.case).id == "national-2021.1~330300.1"


@pytest.mark.parametrize("ruleset", ["national-2099.1", "not an id"])
def test_no_day_is_made_up_where_the_case_s_rules_are_not_installed(pair: World, ruleset: str) -> None:
    found = dossier(pair, XIAN, accepted(pair))
    found.case.times[OUT, 1] = replace(found.case.event(OUT, 1), ruleset=ruleset)
    assert _form_due(pair.desks[XIAN], found) is None


def test_no_day_is_made_up_for_a_clock_that_stands_outside_the_calendar(pair: World) -> None:
    found = dossier(pair, XIAN, accepted(pair))
    found.case.times[OUT, 1] = replace(found.case.event(OUT, 1), occurred_at=beijing(1970, 1, 1))
    assert _form_due(pair.desks[XIAN], found) is None


def _form_due(agency: Agency, found: Dossier) -> Deadline | None:
    obligation = Obligation(Track.RELATION, "form", OUT, (Since(OUT, 1, received=False),))
    return due_of(agency, found.case, obligation, found.received)


def test_a_forwarded_case_waits_for_its_lodger_until_it_is_lodged_anew(three: World) -> None:
    left_to_clerks(three, XIAN, OUT, "answer")
    left_to_clerks(three, WENZHOU, IN, "lodge_anew")
    (who,) = three.moves(1)
    three.leaves(who, CHENGDU)
    case_id = three.case_of(who)
    three.idle()
    three.act(XIAN, case_id, "forward", region=CHENGDU, text=None)
    three.idle()
    found = dossier(three, WENZHOU, case_id)
    (obligation,) = found.obligations()
    due = found.due(obligation)
    assert due is not None
    assert (obligation.clock, obligation.holder, due.due) == ("lodge_anew", IN, date(2026, 3, 11))


def test_nothing_is_due_of_a_lodger_whose_withdrawal_crossed_the_forwarding(three: World) -> None:
    left_to_clerks(three, XIAN, OUT, "answer")
    (who,) = three.moves(1)
    three.leaves(who, CHENGDU)
    case_id = three.case_of(who)
    three.idle()
    three.act(WENZHOU, case_id, "withdraw", reason="applicant_request")
    three.act(XIAN, case_id, "forward", region=CHENGDU, text=None)
    three.idle()
    assert three.status(case_id, XIAN, WENZHOU) == "forwarded"
    assert dossier(three, WENZHOU, case_id).obligations() == []


def test_a_promise_in_the_directory_shortens_a_clock_and_a_longer_one_does_not(pair: World) -> None:
    pair.clock.now = beijing(2026, 6, 1)
    promise = Promise(
        procedure="platform", step="form", office=None, days=4, valid_from=date(2026, 6, 1), valid_to=None
    )
    longer = promise.model_copy(update={"step": "complete", "days": 60})
    pair.change_entry(XIAN, promises=(promise, longer))
    case_id = accepted(pair)
    for code in (XIAN, WENZHOU):
        agency = pair.desks[code]
        agency.participants = load_participants(pair.folder / "directory.json", pair.configs[code].directory_root)
        due = relation_due(pair, code, case_id)
        assert (due.clock, due.length, due.due) == ("form", 4, date(2026, 6, 5))
