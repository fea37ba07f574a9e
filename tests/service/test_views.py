"""What people see of a case: both tracks, the money line by line, the timeline, the worklist, and who sees less."""

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from jiexu.case import words
from jiexu.case.event import Hand, Role
from jiexu.case.obligations import Track
from jiexu.contract import models
from jiexu.journal.port import DisclosureRow
from jiexu.region.registry import MishapKind
from jiexu.rules.ruleset import packaged_library
from jiexu.service import views
from jiexu.service.config import STEPS
from jiexu.service.timeline import in_time_order
from jiexu.service.views import CaseUnknown, CaseView, Timeline, WorkItem
from tests.service.pair import AMOUNT, CHENGDU, IN, OUT, WENZHOU, XIAN, Died, World, person
from tests.service.seen import beijing, left_to_clerks


def seen(world: World, code: str, case_id: str, **more: Any) -> CaseView:
    """The case as a region shows it."""
    return views.case_view(world.desks[code], case_id, **more)


def told(world: World, code: str, case_id: str) -> Timeline:
    """The timeline as a region shows it."""
    return views.timeline(world.desks[code], case_id)


def listed(world: World, code: str, **more: Any) -> list[WorkItem]:
    """The worklist of a region."""
    return views.worklist(world.desks[code], **more)


def text_of(drawn: Any, width: int) -> list[str]:
    """What a terminal of that width shows."""
    console = Console(width=width, color_system=None, force_terminal=True)
    with console.capture() as capture:
        console.print(drawn)
    return capture.get().rstrip("\n").split("\n")


def completed(world: World) -> str:
    """A case that ran to its end by itself."""
    (who,) = world.moves(1)
    case_id = world.case_of(who)
    world.idle()
    assert world.status(case_id) == "closed"
    return case_id


def queried(world: World) -> str:
    """A case whose form inbound has queried; completing waits for a clerk there."""
    left_to_clerks(world, WENZHOU, IN, "complete")
    (who,) = world.moves(1)
    case_id = world.case_of(who)
    world.idle()
    world.act(WENZHOU, case_id, "query_form", field="periods", text="缺 2023 年的月份")
    world.idle()
    return case_id


# --- one case


def test_a_closed_case_shows_both_tracks_done_and_nobody_holding_them(pair: World) -> None:
    view = seen(pair, XIAN, completed(pair))
    assert (view.status, view.relation.state, view.money_track.state) == ("closed", "closed", "credited")
    assert view.relation.clock is None
    assert view.money_track.clock is None
    assert (view.us, view.lodger) == (OUT, IN)
    assert [place.name.zh for place in view.parties.values()] == ["西安市", "温州市"]


def test_the_lines_of_the_form_add_up_to_what_moves_and_every_line_is_shown(pair: World) -> None:
    money = seen(pair, WENZHOU, completed(pair)).money
    assert money is not None
    *parts, total = money.lines
    assert [line.code for line in parts] == ["balance", "interest", "unearned_allocation", "settled_claims"]
    assert sum(line.amount for line in parts) == total.amount == AMOUNT
    assert (money.account.sent, money.account.credited) == (AMOUNT, AMOUNT)
    assert [payment.kind for payment in money.payments] == ["sent", "arrived", "credited"]


def test_completed_without_money_names_who_must_send_it_and_by_when(pair: World) -> None:
    left_to_clerks(pair, XIAN, OUT, "remit")
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    for code in (XIAN, WENZHOU):
        view = seen(pair, code, case_id)
        assert (view.status, view.relation.clock, view.money_track.state) == ("completed", None, "to_send")
        clock = view.money_track.clock
        assert clock is not None
        assert (clock.clock, clock.holder.name.zh, clock.due) == ("remit", "西安市", date(2026, 3, 23))
        assert clock.days_left == 10


def test_a_clock_is_overdue_from_midnight_in_beijing_after_its_last_day(pair: World) -> None:
    left_to_clerks(pair, XIAN, OUT, "remit")
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    found = []
    for now in (beijing(2026, 3, 23, 23, 59), beijing(2026, 3, 24, 0, 0), beijing(2026, 3, 25, 9)):
        pair.clock.now = now
        clock = seen(pair, XIAN, case_id).money_track.clock
        assert clock is not None
        found.append((clock.overdue, clock.days_left))
    assert found == [(False, 0), (True, -1), (True, -2)]


def test_inbound_s_statutory_clock_runs_on_while_a_question_lies_with_outbound(pair: World) -> None:
    case_id = queried(pair)
    pair.clock.pass_by(days=2)
    view = seen(pair, WENZHOU, case_id)
    current, running = view.relation.clock, view.running
    assert view.status == "form_queried"
    assert current is not None
    assert (current.clock, current.holder.role) == ("form_query_answer", OUT)
    assert [(clock.clock, clock.holder.role, clock.due) for clock in running] == [("complete", IN, date(2026, 3, 16))]
    assert running[0].elsewhere == 2, "days that are outbound's, counted apart"
    (question,) = view.open_questions
    assert [problem.text.zh for problem in question.problems if problem.text] == ["缺 2023 年的月份"]


def test_days_of_an_answered_question_stay_counted_and_the_clock_is_not_started_again(pair: World) -> None:
    case_id = queried(pair)
    pair.clock.pass_by(days=2)
    pair.act(XIAN, case_id, "explain_form", text="2023 年未参保")
    pair.idle()
    pair.clock.pass_by(days=1)
    for code in (XIAN, WENZHOU):
        view = seen(pair, code, case_id)
        assert view.open_questions == ()
        clock = view.relation.clock
        assert clock is not None
        assert (clock.clock, clock.due, clock.elsewhere) == ("complete", date(2026, 3, 16), 2)


def test_the_person_is_masked_and_no_view_holds_the_number(pair: World) -> None:
    case_id, who = completed(pair), person(1)
    texts = [json.dumps(seen(pair, XIAN, case_id).document(), ensure_ascii=False)]
    texts.append(json.dumps(told(pair, XIAN, case_id).document(), ensure_ascii=False))
    texts += text_of(views.render_case(seen(pair, XIAN, case_id)), 100)
    assert seen(pair, XIAN, case_id).person.zh == who.masked()
    for text in texts:
        assert who.document_number not in text
        assert who.name not in text


def test_a_person_s_cases_are_found_by_the_document_number_in_either_region(pair: World) -> None:
    case_id = completed(pair)
    number = person(1).document_number
    for code in (XIAN, WENZHOU):
        assert [v.case_id for v in views.find_cases(pair.desks[code], "01", f" {number.lower()} ")] == [case_id]
        assert views.find_cases(pair.desks[code], "01", person(2).document_number) == []


def test_an_erased_person_is_shown_as_erased_and_the_case_stays_readable(pair: World) -> None:
    case_id = completed(pair)
    agency = pair.desks[XIAN]
    with agency.journal.write() as write:
        rows = write.disclosures([case_id])
        write.disclose([DisclosureRow(case_id, row.event_id, row.field, None, None) for row in rows])
    view = seen(pair, XIAN, case_id)
    assert view.person == words.NOT_DISCLOSED
    assert view.status == "closed"
    assert "已擦除/未披露" in "".join(text_of(views.render_case(view), 100))


def test_a_refusal_shows_every_ground_in_words(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.leaves(who, in_hospital=True)
    case_id = pair.case_of(who)
    pair.idle()
    view = seen(pair, WENZHOU, case_id)
    assert view.status == "rejected"
    assert [ground.code for ground in view.grounds] == ["OUT-04"]
    assert "住院" in view.grounds[0].word.zh


def test_a_void_event_is_shown_as_one(pair: World) -> None:
    case_id = completed(pair)
    pair.misissue(XIAN, case_id, "TransferWithdrawn", {"reason": "other", "answers": None, "explanation": None})
    pair.idle()
    for code in (XIAN, WENZHOU):
        assert [(void.type, void.by.role) for void in seen(pair, code, case_id).voids] == [("TransferWithdrawn", OUT)]
        assert [entry.type for entry in told(pair, code, case_id).entries if entry.void] == ["TransferWithdrawn"]
    assert [todo.code for todo in seen(pair, WENZHOU, case_id).todos] == ["void"]


def test_a_claim_under_way_says_what_and_since_when(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.faults[XIAN, OUT].name = "acts.done"
    with pytest.raises(Died):
        pair.idle()
    (claim,) = seen(pair, XIAN, case_id).claims
    assert claim.sentence.zh == "正在办理上传信息表，自 03-09 10:00"


def test_a_forwarded_case_and_the_one_lodged_anew_name_each_other(three: World) -> None:
    left_to_clerks(three, XIAN, OUT, "answer")
    (who,) = three.moves(1)
    three.leaves(who, CHENGDU)
    case_id = three.case_of(who)
    three.idle()
    three.act(XIAN, case_id, "forward", region=CHENGDU, text=None)
    three.idle()
    old = seen(three, WENZHOU, case_id)
    assert old.forwarded_to is not None
    assert (old.status, old.forwarded_to.zh) == ("forwarded", "成都市")
    assert old.anew is not None
    new = seen(three, WENZHOU, old.anew)
    assert (new.forwarded_from, new.parties[OUT].name.zh) == (case_id, "成都市")


def test_an_unknown_case_is_an_answer_and_no_traceback(pair: World) -> None:
    with pytest.raises(CaseUnknown) as caught:
        seen(pair, XIAN, "0" * 32)
    assert "请核对" in caught.value.zh


# --- the employer


def test_an_employer_sees_progress_and_no_amount_reference_or_question(pair: World) -> None:
    case_id = completed(pair)
    view = seen(pair, WENZHOU, case_id, audience="employer")
    assert (view.status, view.money_track.state) == ("closed", "done")
    assert view.money is None
    text = json.dumps(view.document(), ensure_ascii=False) + "".join(text_of(views.render_case(view), 100))
    for secret in (str(AMOUNT), "1,012.34", "1000.00", f"{case_id}R1", "periods", "payments", "todos"):
        assert secret not in text


def test_an_employer_is_told_of_a_refusal_without_the_health_ground(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.leaves(who, in_hospital=True)
    case_id = pair.case_of(who)
    pair.idle()
    view = seen(pair, WENZHOU, case_id, audience="employer")
    text = json.dumps(view.document(), ensure_ascii=False) + "".join(text_of(views.render_case(view), 100))
    assert view.status == "rejected"
    assert [ground.word for ground in view.grounds] == [words.NOT_YOURS]
    for secret in ("OUT-04", "住院", "hospital"):
        assert secret not in text


def test_an_employer_does_not_learn_of_a_death_from_a_withdrawal(pair: World) -> None:
    left_to_clerks(pair, WENZHOU, IN, "complete")
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(WENZHOU, case_id, "withdraw", reason="died", text="家属告知")
    pair.idle()
    assert [ground.code for ground in seen(pair, XIAN, case_id).grounds] == ["died"]
    text = json.dumps(seen(pair, XIAN, case_id, audience="employer").document(), ensure_ascii=False)
    for secret in ("died", "死亡", "家属告知"):
        assert secret not in text


# --- the timeline


def test_the_timeline_of_a_completed_case_is_the_same_on_both_sides(pair: World) -> None:
    case_id = completed(pair)
    sides = [told(pair, code, case_id) for code in (XIAN, WENZHOU)]
    assert [entry.type for entry in sides[0].entries] == [
        "TransferApplied",
        "TransferAccepted",
        "InformationFormUploaded",
        "TransferCompleted",
        "BalanceRemitted",
        "BalanceArrived",
        "BalanceCredited",
    ]
    same = [
        [(e.who, e.seq, e.at, e.received_at, e.details, e.starts, e.holders, e.status, e.crossed) for e in side.entries]
        for side in sides
    ]
    assert same[0] == same[1]
    assert [entry.receipt for entry in sides[0].entries].count("arrived") == 3
    assert all(entry.receipt in ("arrived", "received") for side in sides for entry in side.entries)


def test_the_timeline_says_who_holds_each_track_after_each_event(pair: World) -> None:
    entries = told(pair, XIAN, completed(pair)).entries
    held = []
    for entry in entries:
        clocks = [entry.holders[track] for track in Track]
        held.append(tuple(clock.holder.role.value if clock else None for clock in clocks))
    assert held[0] == ("outbound", None)
    assert held[2] == ("inbound", "outbound")
    assert held[3][0] is None
    assert held[-1] == (None, None)
    assert [clock.clock for clock in entries[2].starts] == ["complete", "remit"]


def test_the_timeline_of_a_queried_case_tells_question_and_answer(pair: World) -> None:
    case_id = queried(pair)
    pair.clock.pass_by(days=1)
    pair.act(XIAN, case_id, "explain_form", text="2023 年未参保")
    pair.idle()
    entries = {entry.type: entry for entry in told(pair, WENZHOU, case_id).entries}
    asked, answered = entries["FormQueried"], entries["FormExplained"]
    assert (asked.handled_by, asked.reviewed_by) == ("clerk-1", "clerk-2")
    assert [word.zh for word in asked.details] == ["第 1 版", "其他（periods）", "“缺 2023 年的月份”"]
    assert [clock.clock for clock in asked.starts] == ["form_query_answer"]
    assert asked.status == "form_queried"
    assert [word.zh for word in answered.details] == ["“2023 年未参保”"]
    holder = answered.holders[Track.RELATION]
    assert holder is not None
    assert (holder.clock, holder.due) == ("complete", date(2026, 3, 16))
    assert "complete" not in [clock.clock for clock in answered.starts], "it ran all the time"


def test_events_that_crossed_on_the_way_are_marked_on_both(pair: World) -> None:
    left_to_clerks(pair, XIAN, OUT, "remit")
    left_to_clerks(pair, WENZHOU, IN, "complete")
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(XIAN, case_id, "remit")
    pair.act(WENZHOU, case_id, "complete")
    pair.idle()
    entries = {entry.type: entry for entry in told(pair, XIAN, case_id).entries}
    sent, done = entries["BalanceRemitted"], entries["TransferCompleted"]
    assert (sent.crossed, done.crossed) == ((done.seq,), (sent.seq,))
    assert "╳" in "".join(text_of(views.render_timeline(told(pair, XIAN, case_id)), 80))


def test_an_own_event_without_a_receipt_is_shown_as_such(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    (entry,) = told(pair, WENZHOU, case_id).entries
    assert (entry.receipt, entry.received_at) == ("awaited", None)
    assert entry.starts[0].unreceipted
    assert "回执未到" in "".join(text_of(views.render_timeline(told(pair, WENZHOU, case_id)), 80))


def test_a_case_refused_at_the_counter_is_shown_as_not_sent(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.leaves(who, in_hospital=True)
    answer = pair.apply(who, at=XIAN)
    assert answer.case_id is not None
    assert {entry.receipt for entry in told(pair, XIAN, answer.case_id).entries} == {"not_sent"}


def test_a_clock_that_runs_wrong_puts_no_answer_before_its_question(pair: World) -> None:
    case_id = completed(pair)
    with pair.desks[XIAN].journal.read() as read:
        events = read.case_events(case_id)
    slow = [
        replace(s, event=replace(s.event, occurred_at=s.event.occurred_at - timedelta(hours=3)))
        if s.event.hand is Hand.OUTBOUND
        else s
        for s in reversed(events)
    ]
    ordered = [(stored.event.hand.role, stored.event.seq) for stored in in_time_order(slow)]
    assert ordered[:3] == [(IN, 1), (OUT, 1), (OUT, 2)]
    for stored in events:
        event = stored.event
        for seen in event.seen:
            assert ordered.index((seen.hand.role, seen.seq)) < ordered.index((event.hand.role, event.seq))


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_both_lifelines_of_the_drawn_timeline_stand_in_one_column(pair: World, width: int, lang: str) -> None:
    case_id = queried(pair)
    lines = text_of(views.render_timeline(told(pair, XIAN, case_id), lang), width)
    assert all(cell_len(line) <= width for line in lines)
    first = next(index for index, line in enumerate(lines) if "··" in line)
    body = [line for line in lines[first:] if re.match(r"^(\d\d:\d\d| {5}) [│●]", line)]
    assert len(body) > 15
    assert {cell_len(line) for line in body} == {width}
    assert all(line[-1] in "│●" for line in body)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", [80, 120])
def test_a_case_and_the_worklist_fit_the_terminal(pair: World, width: int, lang: str) -> None:
    case_id = queried(pair)
    drawn = [views.render_case(seen(pair, XIAN, case_id), lang), views.render_worklist(listed(pair, XIAN), lang)]
    for one in drawn:
        lines = text_of(one, width)
        assert all(cell_len(line) <= width for line in lines)
        assert case_id in "".join(lines), "the number can be copied whole"
        assert "…" not in "".join(lines), "nothing is cut off"


# --- the worklist


def test_the_worklist_is_sorted_by_due_date_with_days_left_and_who_must_act(pair: World) -> None:
    left_to_clerks(pair, XIAN, OUT, "upload")
    cases = []
    for who in reversed(pair.moves(1, 2, 3)):
        cases.append(pair.case_of(who))
        pair.idle()
        pair.clock.pass_by(days=1)
    items = listed(pair, XIAN)
    assert [item.case_id for item in items] == cases
    assert [item.due for item in items] == [date(2026, 3, 23), date(2026, 3, 24), date(2026, 3, 25)]
    assert [item.days_left for item in items] == [7, 8, 9]
    assert {(item.ours, item.step, item.waits_for_clerk, item.overdue) for item in items} == {
        (True, "upload", True, False)
    }
    theirs = listed(pair, WENZHOU)
    assert [(item.case_id, item.due, item.ours, item.waits_for_clerk) for item in theirs] == [
        (item.case_id, item.due, False, None) for item in items
    ]


def test_the_worklist_can_be_cut_by_day_and_by_role(pair: World) -> None:
    left_to_clerks(pair, XIAN, OUT, "upload")
    first, second = pair.moves(1, 2)
    early = pair.case_of(first)
    pair.idle()
    pair.clock.pass_by(days=1)
    pair.case_of(second)
    pair.idle()
    assert [item.case_id for item in listed(pair, XIAN, until=date(2026, 3, 23))] == [early]
    assert listed(pair, XIAN, role=IN) == []
    assert len(listed(pair, XIAN, role=OUT)) == 2


def test_an_automatic_step_that_could_not_go_on_waits_for_a_clerk_with_the_reason(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.leaves(who, in_hospital=None)
    case_id = pair.case_of(who)
    pair.idle()
    (item,) = listed(pair, XIAN)
    assert (item.case_id, item.step, item.waits_for_clerk) == (case_id, "answer", True)
    assert item.reason_code == "not_established"
    assert item.reason is not None
    assert "OUT-04" in item.reason.zh


def test_money_of_an_ended_case_stays_on_the_list_until_it_is_back(pair: World) -> None:
    left_to_clerks(pair, WENZHOU, IN, "complete", "return_uncredited")
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(WENZHOU, case_id, "withdraw", reason="applicant_request", text=None)
    pair.idle()
    assert seen(pair, XIAN, case_id).money_track.state == "to_return"
    for code, ours in ((WENZHOU, True), (XIAN, False)):
        (item,) = listed(pair, code)
        assert item.clock is not None
        assert (item.status, item.clock.clock, item.ours) == ("withdrawn", "return_ended", ours)
    pair.act(WENZHOU, case_id, "return_uncredited")
    pair.idle()
    assert listed(pair, XIAN) == listed(pair, WENZHOU) == []
    assert seen(pair, XIAN, case_id).money_track.state == "returned"


def test_a_forwarded_case_is_on_its_lodger_s_list_until_it_is_lodged_anew(three: World) -> None:
    left_to_clerks(three, XIAN, OUT, "answer")
    left_to_clerks(three, WENZHOU, IN, "lodge_anew")
    (who,) = three.moves(1)
    case_id = three.case_of(who)
    three.idle()
    three.act(XIAN, case_id, "forward", region=CHENGDU, text=None)
    three.idle()
    (item,) = listed(three, WENZHOU)
    assert (item.case_id, item.step, item.ours, item.waits_for_clerk) == (case_id, "lodge_anew", True, True)


def test_money_that_waits_for_completion_is_one_thing_to_do(pair: World) -> None:
    left_to_clerks(pair, WENZHOU, IN, "complete")
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    assert seen(pair, WENZHOU, case_id).money_track.state == "arrived"
    (item,) = listed(pair, WENZHOU)
    assert (item.step, item.waits_for_clerk) == ("complete", True)


def test_a_list_longer_than_one_page_is_complete(pair: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jiexu.service.worklist.CASES_A_READ", 2)
    left_to_clerks(pair, XIAN, OUT, "upload")
    cases = {pair.case_of(who) for who in pair.moves(1, 2, 3, 4, 5)}
    pair.idle()
    assert {item.case_id for item in listed(pair, XIAN)} == cases


def test_a_short_arrival_shows_the_question_and_the_difference(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.mishap(MishapKind.SHORT, who, amount=Decimal("100.00"))
    left_to_clerks(pair, XIAN, OUT, "remit_difference")
    case_id = pair.case_of(who)
    pair.idle()
    view = seen(pair, WENZHOU, case_id)
    assert view.money is not None
    assert view.money.account.short == Decimal("100.00")
    assert view.money_track.state == "queried"
    (asked,) = (entry for entry in told(pair, XIAN, case_id).entries if entry.type == "BalanceQueried")
    assert "应为 1,012.34，实为 912.34 元" in [word.zh for word in asked.details]


# --- words


def test_every_event_clock_step_and_status_has_its_word_in_both_languages() -> None:
    assert set(words.EVENT) == set(models.BODIES)
    library = packaged_library()
    clocks = {clock.clock: clock for national in library.national for clock in national.clock}
    assert {name: (one.zh, one.en) for name, one in words.CLOCK.items()} == {
        name: (clock.zh, clock.en) for name, clock in clocks.items()
    }
    assert {step for steps in STEPS.values() for step in steps} <= set(words.STEP)


@pytest.mark.parametrize(
    "name",
    [
        "BalanceProblem",
        "BankRefusal",
        "FormProblemCode",
        "ForwardReason",
        "QueryClosing",
        "ReturnReason",
        "ReturnSource",
        "ReversalReason",
        "WithdrawalReason",
    ],
)
def test_every_reason_of_the_contract_has_its_word(name: str) -> None:
    assert set(getattr(models, name).__args__) <= set(words.CODE)


def test_documents_are_plain_json(pair: World) -> None:
    case_id = completed(pair)
    left_to_clerks(pair, XIAN, OUT, "upload")
    (other,) = pair.moves(2)
    pair.case_of(other)
    pair.idle()
    documents = [seen(pair, XIAN, case_id).document(), told(pair, XIAN, case_id).document()]
    documents += [item.document() for item in listed(pair, XIAN)]
    for document in documents:
        assert json.loads(json.dumps(document)) == document
    assert documents[0]["money"]["account"]["credited"] == str(AMOUNT)
    assert documents[1]["entries"][0]["at"] == "2026-03-09T02:00:00.000Z"
    assert documents[2]["due"] == "2026-03-23"


def test_the_hands_of_a_timeline_are_those_of_the_journal(pair: World) -> None:
    case_id = completed(pair)
    entries = told(pair, XIAN, case_id).entries
    for role in Role:
        hand = Hand(role.value)
        assert [entry.type for entry in entries if entry.hand is hand] == pair.types(XIAN, case_id, hand)
