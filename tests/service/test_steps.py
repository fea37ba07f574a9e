"""What the services do by themselves, over real registries and a bank that makes mistakes."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from jiexu.case.event import Draft, Hand, Role
from jiexu.journal.port import NewClaim
from jiexu.region.platform import Act, Done, Refused
from jiexu.region.registry import MishapKind, PeriodRow, RelationRow, TransferKind
from jiexu.rules.facts import Application, Identity, RelationStatus, Scheme
from jiexu.service.answering import Lodging
from jiexu.service.clerk import ActRefused
from jiexu.service.counter import lodge
from jiexu.service.issue import issue
from jiexu.service.steps import Steps
from jiexu.service.todos import clear
from jiexu.service.work import Decision, ForClerk, load_works
from services.outbound import OutboundPart
from tests.service.pair import AMOUNT, CHENGDU, IN, OUT, WENZHOU, XIAN, Died, World, draft, person, person_row


def by_clerk(world: World, code: str, role: Role, *steps: str) -> None:
    """Let some steps of a service wait for a clerk."""
    agency = world.agencies[code, role]
    agency.config = agency.config.model_copy(update={"steps": {role.value: dict.fromkeys(steps, "clerk")}})


def amounts(rows: Any) -> list[Decimal]:
    return [row.amount for row in rows]


# --- money that does not arrive as it was sent


def test_less_arrives_is_queried_and_the_difference_is_sent(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.mishap(MishapKind.SHORT, who, amount=Decimal("12.34"))
    case_id = pair.case_of(who)
    pair.idle()
    view = pair.case(XIAN, case_id).view
    assert amounts(view.outbound.remittances) == [AMOUNT, Decimal("12.34")]
    assert "BalanceQueried" in pair.types(XIAN, case_id, Hand.INBOUND)
    assert pair.case(XIAN, case_id).event(OUT, view.outbound.remittances[1].seq).body["answers"] is not None
    assert pair.status(case_id) == "closed"
    assert pair.registry_level(XIAN) == AMOUNT
    pair.agreed()
    pair.books_fit()


def test_more_arrives_is_queried_and_what_is_over_goes_back(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.mishap(MishapKind.EXCESS, who, amount=Decimal("5.00"))
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(XIAN, case_id, "explain_balance")
    pair.idle()
    view = pair.case(XIAN, case_id).view
    assert amounts(view.inbound.returns) == [Decimal("5.00")]
    assert sum(amounts(view.inbound.credits)) == AMOUNT
    assert pair.status(case_id) == "closed"
    pair.agreed()
    pair.books_fit()


def test_a_remittance_that_the_bank_refused_is_sent_again(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.mishap(MishapKind.REFUSE, who)
    case_id = pair.case_of(who)
    pair.idle()
    assert pair.types(XIAN, case_id, Hand.OUTBOUND).count("RemittanceFailed") == 1
    assert len({r.reference for r in pair.case(XIAN, case_id).view.outbound.remittances}) == 2
    assert pair.status(case_id) == "closed"
    assert pair.registry_level(XIAN) == AMOUNT
    pair.agreed()
    pair.books_fit()


def test_after_two_refusals_a_person_looks_before_money_is_sent_once_more(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.mishap(MishapKind.REFUSE, who, nth=1)
    pair.mishap(MishapKind.REFUSE, who, nth=2)
    case_id = pair.case_of(who)
    pair.idle()
    assert len(pair.case(XIAN, case_id).view.outbound.remittances) == 2
    assert pair.todo_codes(XIAN) == ["refused_again"]
    pair.act(XIAN, case_id, "remit_amount", amount=str(AMOUNT))
    pair.idle()
    assert pair.status(case_id) == "closed"
    pair.agreed()
    pair.books_fit()


def test_money_that_was_returned_comes_back_and_is_sent_again(pair: World) -> None:
    by_clerk(pair, WENZHOU, IN, "complete")
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(WENZHOU, case_id, "return_amount", reference=f"{case_id}R1", amount=str(AMOUNT), reason="wrong_person")
    pair.idle()
    view = pair.case(XIAN, case_id).view
    assert amounts(view.outbound.return_arrivals) == [AMOUNT]
    assert amounts(view.outbound.remittances) == [AMOUNT, AMOUNT]
    assert pair.registry_level(XIAN) == AMOUNT, "what the account gave is a level: sending again takes nothing more"
    pair.act(WENZHOU, case_id, "complete")
    pair.idle()
    assert pair.status(case_id) == "closed"
    pair.agreed()
    pair.books_fit()


def arrived_while_the_bank_refuses_returns(pair: World, times: int = 1) -> str:
    """A case whose money has arrived and waits for completion; the bank refuses the first returns."""
    (who,) = pair.moves(1)
    by_clerk(pair, WENZHOU, IN, "complete")
    for nth in range(1, times + 1):
        pair.mishap(MishapKind.REFUSE, who, transfer=TransferKind.RETURN, nth=nth)
    case_id = pair.case_of(who)
    pair.idle()
    return case_id


def test_a_return_that_the_bank_refused_is_sent_again_under_its_reference(pair: World) -> None:
    case_id = arrived_while_the_bank_refuses_returns(pair)
    pair.act(WENZHOU, case_id, "return_amount", reference=f"{case_id}R1", amount=str(AMOUNT), reason="wrong_person")
    pair.idle()
    view = pair.case(XIAN, case_id).view
    assert amounts(view.outbound.return_arrivals) == [AMOUNT]
    assert len(view.inbound.returns) == 1
    with pair.desks[WENZHOU].journal.read() as read:
        assert len(read.facts("return_attempt")) == 1
    pair.books_fit()


def test_a_return_that_the_bank_refused_before_its_event_stood_is_sent_again_too(pair: World) -> None:
    case_id = arrived_while_the_bank_refuses_returns(pair)
    bank = pair.services[WENZHOU, IN].bank
    looked = []
    pair.desks[WENZHOU].fault = lambda point: looked.append(bank.turn()) if point == "acts.done" else None
    pair.act(WENZHOU, case_id, "return_amount", reference=f"{case_id}R1", amount=str(AMOUNT), reason="wrong_person")
    assert looked == [1], "the bank had refused, and the watch has seen it"
    assert bank.turn() == 1
    assert bank.turn() == 0, "once"
    pair.idle()
    assert amounts(pair.case(XIAN, case_id).view.outbound.return_arrivals) == [AMOUNT]
    pair.books_fit()


def test_a_return_that_the_bank_goes_on_refusing_is_for_a_person(pair: World) -> None:
    case_id = arrived_while_the_bank_refuses_returns(pair, times=3)
    pair.act(WENZHOU, case_id, "return_amount", reference=f"{case_id}R1", amount=str(AMOUNT), reason="wrong_person")
    pair.idle()
    (todo,) = pair.todos(WENZHOU, "returns_refused")
    assert pair.case(XIAN, case_id).view.returns_under_way
    with pair.desks[WENZHOU].journal.write() as write:
        clear(write, todo, "D0117")
    pair.idle()
    assert amounts(pair.case(XIAN, case_id).view.outbound.return_arrivals) == [AMOUNT], "a person has it ordered again"
    assert pair.todo_codes(WENZHOU) == []
    pair.books_fit()


def test_a_return_that_the_platform_does_not_order_now_is_ordered_later(pair: World) -> None:
    case_id = arrived_while_the_bank_refuses_returns(pair)
    platform = pair.services[WENZHOU, IN].agency.platform
    perform = platform.perform
    platform.perform = lambda acts: [Refused("not_now", "稍后", "later") for _ in acts]  # type: ignore[method-assign]
    pair.act(WENZHOU, case_id, "return_amount", reference=f"{case_id}R1", amount=str(AMOUNT), reason="wrong_person")
    pair.idle()
    assert pair.todo_codes(WENZHOU) == ["not_now"]
    platform.perform = perform  # type: ignore[method-assign]
    pair.idle()
    assert pair.todo_codes(WENZHOU) == ["not_now"], "not at once"
    pair.clock.pass_by(hours=1)
    pair.idle()
    assert pair.todo_codes(WENZHOU) == []
    assert amounts(pair.case(XIAN, case_id).view.outbound.return_arrivals) == [AMOUNT]
    pair.books_fit()


def test_money_that_arrives_before_completion_waits_and_is_credited_after_it(pair: World) -> None:
    by_clerk(pair, WENZHOU, IN, "complete")
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    view = pair.case(WENZHOU, case_id).view
    assert amounts(view.inbound.arrivals) == [AMOUNT]
    assert view.inbound.credits == ()
    pair.act(WENZHOU, case_id, "complete")
    pair.idle()
    assert pair.status(case_id) == "closed"
    pair.books_fit()


def test_money_that_comes_late_is_matched_when_it_comes(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.mishap(MishapKind.DELAY, who, seconds=86_400)
    case_id = pair.case_of(who)
    pair.idle()
    assert pair.status(case_id) == "completed"
    pair.clock.pass_by(days=1)
    pair.idle()
    assert pair.status(case_id) == "closed"
    pair.agreed()
    pair.books_fit()


# --- schemes and accounts


def resident(world: World, who: Identity, code: str, status: RelationStatus, year: int) -> None:
    number = f"R{who.document_number[-6:]}"
    world.desks[code].platform.put(  # type: ignore[attr-defined]
        [
            person_row(number, who),
            RelationRow(number, Scheme.RESIDENT, status, kind="resident", coverage_year=year, paid_through="2026-12"),
            PeriodRow(number, "", Scheme.RESIDENT, f"{year}-01", "actual", f"{year}-12", 12),
        ]
    )


def test_a_resident_moves_months_and_no_money(pair: World) -> None:
    who = person(5)
    resident(pair, who, XIAN, RelationStatus.SUSPENDED, 2025)
    resident(pair, who, WENZHOU, RelationStatus.ACTIVE, 2027)
    application = Application(who, XIAN, WENZHOU, Scheme.RESIDENT, Scheme.RESIDENT, pair.clock().date())
    (answer,) = lodge(pair.desks[WENZHOU], [Lodging(application)])
    assert answer.outcome == "lodged", answer
    assert answer.case_id is not None
    pair.idle()
    form = pair.case(XIAN, answer.case_id).view.form
    assert form is not None
    assert (form.outcome, form.amount) == ("none", Decimal("0.00"))
    assert pair.status(answer.case_id) == "closed"
    assert pair.todo_codes(XIAN) == []
    pair.agreed()


# --- claims


class Refusing:
    """A platform that refuses some acts, for a while."""

    def __init__(self, platform: Any, refuses: Callable[[Act], bool]) -> None:
        self._platform = platform
        self.refuses = refuses
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._platform, name)

    def perform(self, acts: list[Act]) -> list[Done | Refused]:
        results: list[Done | Refused] = []
        for act in acts:
            if self.refuses(act):
                self.asked += 1
                results.append(Refused("not_now", "暂不能办理，请稍后", "not now: try later"))
            else:
                results += self._platform.perform([act])
        return results


def named(*names: str) -> Callable[[Act], bool]:
    return lambda act: type(act).__name__ in names


def test_a_refused_act_frees_its_claim_and_is_for_a_clerk_once(pair: World) -> None:
    agency = pair.agencies[XIAN, OUT]
    agency.platform = refusing = Refusing(agency.platform, named("Debit"))  # type: ignore[assignment]
    (stuck,) = pair.moves(1)
    case_id = pair.case_of(stuck)
    pair.idle()
    with pair.desks[XIAN].journal.read() as read:
        assert read.open_claims() == []
    assert pair.todo_codes(XIAN) == ["not_now"]
    asked = refusing.asked
    for _ in range(20):
        pair.turn()
    assert refusing.asked == asked, "it is not tried again at every turn"
    pair.clock.pass_by(hours=1)
    pair.idle()
    assert (refusing.asked, pair.todo_codes(XIAN)) == (asked + 1, ["not_now"])
    refusing.refuses = lambda act: False
    pair.clock.pass_by(hours=1)
    pair.idle()
    assert pair.status(case_id) == "closed"
    assert pair.todo_codes(XIAN) == [], "what was cured needs nobody any more"
    pair.agreed()


def test_a_claim_of_which_part_took_effect_stays_for_a_clerk_and_goes_on_when_cleared(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(WENZHOU, case_id, "reverse", reason="taken_over_in_error")
    desk = pair.desks[WENZHOU]
    whole = desk.platform
    desk.platform = Refusing(whole, named("Return"))  # type: ignore[assignment]
    with pytest.raises(ActRefused) as refused:
        pair.act(WENZHOU, case_id, "take_back", reference=f"{case_id}R1", amount=str(AMOUNT), reason="reversed")
    assert refused.value.code == "not_now"
    desk.platform = whole
    pair.clock.pass_by(minutes=5)
    pair.idle()
    with desk.journal.read() as read:
        assert len(read.open_claims()) == 1
        (todo,) = read.todos(kind="failed")
    with desk.journal.write() as write:
        write.clear_todo(todo.id)
    pair.idle()
    with desk.journal.read() as read:
        assert read.open_claims() == []
    assert amounts(pair.case(XIAN, case_id).view.outbound.return_arrivals) == [AMOUNT]
    pair.books_fit()


def test_a_claim_left_behind_is_taken_up_after_its_lease_by_another_process(pair: World) -> None:
    (who,) = pair.moves(1)
    fault = pair.faults[XIAN, OUT]
    fault.name = "acts.done"
    case_id = pair.case_of(who)
    with pytest.raises(Died):
        pair.idle()
    pair.kill(XIAN, OUT)
    pair.start(XIAN, OUT)
    pair.idle()
    assert pair.types(XIAN, case_id, Hand.OUTBOUND) == ["TransferAccepted"], "its lease has not run out"
    pair.clock.pass_by(minutes=2)
    pair.idle()
    assert pair.status(case_id) == "closed"
    pair.agreed()
    pair.books_fit()


def test_the_counterparts_events_are_taken_in_while_a_claim_is_open(pair: World) -> None:
    (who,) = pair.moves(1)
    fault = pair.faults[XIAN, OUT]
    fault.name = "acts.done"
    case_id = pair.case_of(who)
    with pytest.raises(Died):
        pair.idle()
    pair.kill(XIAN, OUT)
    pair.start(XIAN, OUT)
    pair.act(WENZHOU, case_id, "remind", about="upload")
    pair.idle()
    assert "ReminderSent" in pair.types(XIAN, case_id, Hand.INBOUND)
    pair.clock.pass_by(minutes=2)
    pair.idle()
    seen = pair.case(XIAN, case_id).event(OUT, 2).seen_seq_of(IN)
    assert seen == 1, "the form is judged by what was seen when it was decided"
    assert pair.status(case_id) == "closed"
    pair.agreed()


def test_a_case_that_cannot_be_issued_goes_to_a_clerk_and_stops_no_other(
    pair: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = pair.moves(1, 2)
    case_id, other = pair.case_of(bad), pair.case_of(good)
    part = pair.services[XIAN, OUT].part
    honest = part.decide

    def decide(agency: Any, step: str, works: Any) -> Any:
        found = list(honest(agency, step, works))
        for index, work in enumerate(works):
            if work.case_id == case_id and step == "answer":
                found[index] = Decision("answer", (Draft("FormExplained", {"answers": 1, "explanation": None}),))
        return found

    monkeypatch.setattr(part, "decide", decide)
    pair.idle()
    assert pair.status(other) == "closed"
    assert pair.todo_codes(XIAN) == ["not_permitted"]
    assert pair.types(XIAN, case_id, Hand.OUTBOUND) == []


def test_a_step_that_waits_for_a_clerk_does_not_stop_the_other_steps_of_its_case(
    pair: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (who,) = pair.moves(1)
    part = pair.services[WENZHOU, IN].part
    honest = part.decide

    def decide(agency: Any, step: str, works: Any) -> Any:
        if step == "complete":
            return [ForClerk(step, "BOTH-05", "请选择", "choose") for _ in works]
        return honest(agency, step, works)

    monkeypatch.setattr(part, "decide", decide)
    pair.mishap(MishapKind.EXCESS, who, amount=Decimal("5.00"))
    case_id = pair.case_of(who)
    pair.idle()
    pair.act(XIAN, case_id, "explain_balance")
    pair.act(XIAN, case_id, "request_withdrawal", reason="applicant_request")
    pair.idle()
    pair.act(WENZHOU, case_id, "withdraw", reason="applicant_request")
    pair.idle()
    view = pair.case(XIAN, case_id).view
    assert sum(amounts(view.inbound.returns)) == AMOUNT + Decimal("5.00")
    assert view.money_back
    pair.books_fit()


# --- ends


def test_money_of_an_ended_case_comes_back_and_the_account_gets_its_level_back(pair: World) -> None:
    by_clerk(pair, WENZHOU, IN, "complete")
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    assert pair.registry_level(XIAN) == AMOUNT
    pair.act(WENZHOU, case_id, "withdraw", reason="cover_lost")
    pair.idle()
    view = pair.case(XIAN, case_id).view
    assert view.status == "withdrawn"
    assert view.money_back
    assert pair.registry_level(XIAN) == Decimal("0.00")
    assert relation(pair, who) == "suspended"
    pair.agreed()
    pair.books_fit()
    again = pair.case_of(who)
    pair.agencies[WENZHOU, IN].config = pair.configs[WENZHOU]
    pair.idle()
    assert pair.status(again) == "closed", "the row of the person is free again"


def relation(world: World, who: Identity, code: str = XIAN) -> str:
    (facts,) = world.desks[code].platform.facts([who], Scheme.EMPLOYEE, world.clock().date())
    return str(facts.relations[0].status)


def test_the_relation_is_held_at_acceptance_and_ended_after_completion(pair: World) -> None:
    (who,) = pair.moves(1)
    by_clerk(pair, WENZHOU, IN, "complete")
    case_id = pair.case_of(who)
    pair.idle()
    assert relation(pair, who) == "suspended"
    pair.act(WENZHOU, case_id, "complete")
    pair.idle()
    assert relation(pair, who) == "ended"
    pair.act(WENZHOU, case_id, "reverse", reason="taken_over_in_error")
    pair.idle()
    assert relation(pair, who) == "suspended"


def test_a_step_that_comes_while_a_clerks_act_holds_the_hand_is_decided_again_later(pair: World) -> None:
    (who,) = pair.moves(7)
    case_id = pair.case_of(who)
    pair.idle()
    agency = pair.desks[XIAN]
    steps = Steps(agency, OutboundPart(), lambda _: True)
    with agency.journal.read() as read:
        work = load_works(agency, Role.OUTBOUND, read, [case_id])[case_id]
    reminder = Decision("remind", (draft("ReminderSent", about="complete", message=None),))
    with agency.journal.write() as write:
        last = work.case.view.outbound.seq
        claim = NewClaim(case_id, Hand.OUTBOUND, "remit", 9, last + 1, work.case.seen_by(Role.OUTBOUND), "{}")
        write.claim([claim], "a clerk", pair.clock())
    late = issue(agency, [steps.decided(work, reminder)])
    assert [one.case.case_id for one in late] == [case_id]
    assert pair.case(XIAN, case_id).view.outbound.seq == last


def test_a_twin_answered_after_the_other_was_completed_is_rejected_and_not_forwarded_to_its_own_inbound(
    pair: World,
) -> None:
    by_clerk(pair, XIAN, OUT, "answer")
    (who,) = pair.moves(1)
    late = pair.case_of(who)
    first = pair.case_of(who, at=XIAN)
    pair.idle()
    assert pair.status(first) == "closed"
    pair.act(XIAN, late, "answer")
    pair.idle()
    assert pair.status(late) == "rejected"
    assert pair.todo_codes(WENZHOU) == []
    pair.agreed()


def test_a_clerk_cannot_accept_what_the_checks_refuse_and_sees_the_grounds(pair: World) -> None:
    by_clerk(pair, XIAN, OUT, "answer")
    (who,) = pair.moves(1)
    late = pair.case_of(who)
    first = pair.case_of(who, at=XIAN)
    pair.idle()
    assert pair.status(first) == "closed"
    with pytest.raises(ActRefused) as refused:
        pair.act(XIAN, late, "accept")
    assert refused.value.code == "grounds_stand", "a relation moves once, whoever says so"
    assert "OUT-02" in refused.value.zh
    assert pair.case(XIAN, late).view.outbound.seq == 0
    pair.act(XIAN, late, "reject", codes=("OUT-02",))
    with pytest.raises(ActRefused) as refused:
        pair.act(XIAN, late, "accept")
    assert refused.value.code == "not_permitted"
    pair.idle()
    pair.agreed()
    pair.books_fit()


def test_a_clerk_says_what_the_platform_cannot_and_the_event_says_which_check_it_was(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.leaves(who, in_hospital=None)
    case_id = pair.case_of(who)
    pair.idle()
    assert pair.todo_codes(XIAN) == ["not_established"]
    pair.act(XIAN, case_id, "accept")
    results = pair.case(XIAN, case_id).event(OUT, 1).body["checks"]
    assert [result["code"] for result in results if result["detail"] is not None] == ["OUT-04"]
    pair.idle()
    assert pair.status(case_id) == "closed"
    pair.agreed()
    pair.books_fit()


def test_what_was_judged_before_the_relation_left_by_another_case_is_not_accepted_after_it(three: World) -> None:
    by_clerk(three, XIAN, OUT, "answer")
    (who,) = three.moves(1)
    three.joins(who, CHENGDU)
    before = three.case_of(who)
    three.idle()
    late = three.case_of(who, at=CHENGDU, into=CHENGDU)
    three.idle()
    three.act(WENZHOU, before, "withdraw", reason="applicant_request")  # so the row that it held is nobody's
    three.idle()
    agency, steps = three.services[XIAN, OUT].agency, three.services[XIAN, OUT].steps
    with agency.journal.read() as read:
        work = load_works(agency, OUT, read, [late])[late]
    (accepted,) = steps.part.decide(agency, "answer", [work])
    assert isinstance(accepted, Decision)
    assert accepted.drafts[0].type == "TransferAccepted"
    first = three.case_of(who, at=XIAN)
    three.idle()
    assert three.status(first, XIAN, WENZHOU) == "closed"
    assert issue(agency, [steps.decided(work, accepted)]) == []
    three.idle()
    assert three.status(late, XIAN, CHENGDU) == "rejected"
    assert three.case(CHENGDU, late).event(OUT, 1).body["survivor"] == first
    three.agreed(XIAN, CHENGDU)


def test_two_forms_of_one_moment_have_two_numbers(pair: World) -> None:
    cases = [pair.case_of(who) for who in pair.moves(1, 2)]
    pair.idle()
    forms = [pair.case(WENZHOU, case_id).event(OUT, 2).body["form_number"] for case_id in cases]
    assert cases[0][:12] == cases[1][:12], "both began in one millisecond"
    assert len(set(forms)) == 2


def test_an_account_that_is_overdrawn_after_acceptance_waits_for_a_clerk_and_the_other_cases_go_on(
    pair: World,
) -> None:
    by_clerk(pair, XIAN, OUT, "upload")
    overdrawn, other = pair.moves(1, 2)
    cases = [pair.case_of(who) for who in (overdrawn, other)]
    pair.idle()
    pair.leaves(overdrawn, balance=Decimal("-500.00"))
    by_clerk(pair, XIAN, OUT)
    with pair.desks[XIAN].journal.write() as write:
        write.put_on_agenda(cases)
    pair.idle()
    assert [pair.status(case_id) for case_id in cases] == ["accepted", "closed"]
    assert pair.todo_codes(XIAN) == ["account_overdrawn"]
    with pytest.raises(ActRefused) as refused:
        pair.act(XIAN, cases[0], "upload")
    assert refused.value.code == "account_overdrawn"
    pair.leaves(overdrawn)
    pair.act(XIAN, cases[0], "upload")
    pair.idle()
    assert pair.status(cases[0]) == "closed"
    pair.books_fit()


def test_a_defect_in_one_case_leaves_the_others_of_its_batch_alone(pair: World) -> None:
    people = pair.moves(1, 2, 3)
    cases = [pair.case_of(who) for who in people]
    part = pair.services[XIAN, OUT].steps.part
    decide = part.decide

    def defective(agency, step, works):  # type: ignore[no-untyped-def]
        if step == "upload" and any(work.case_id == cases[1] for work in works):
            raise KeyError("a defect")
        return decide(agency, step, works)

    part.decide = defective  # type: ignore[method-assign]
    pair.idle()
    assert [pair.status(case_id) for case_id in cases] == ["closed", "accepted", "closed"]
    assert pair.todo_codes(XIAN) == ["step_failed"]
    part.decide = decide  # type: ignore[method-assign]
    with pair.desks[XIAN].journal.write() as write:
        write.put_on_agenda([cases[1]])
    pair.idle()
    assert pair.status(cases[1]) == "closed"
    pair.agreed()
