"""What the platform did and no event reports: a clerk has it set anew, or tells the money as it moved."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest

from jiexu.case.event import Hand
from jiexu.region.directory.entries import OutpatientPooling
from jiexu.region.directory.file import load_participants
from jiexu.region.platform import (
    Act,
    ActKey,
    Credit,
    Debit,
    Done,
    Hold,
    MonthRow,
    PayOut,
    RecordMonths,
    Refused,
    Reinstate,
    Send,
)
from jiexu.rules.facts import Identity, Scheme
from jiexu.service.todos import clear
from tests.service.pair import AMOUNT, IN, OUT, WENZHOU, XIAN, World, person
from tests.service.test_clerk import account_now, refused
from tests.service.test_steps import amounts, by_clerk, relation

LESS = AMOUNT - Decimal("100.00")
ROW = MonthRow(XIAN, Scheme.EMPLOYEE, "2024-02", "2024-03", 2, "actual", False)


def did(world: World, code: str, act: Act) -> None:
    """The platform does something under a key of a case of which no journal knows."""
    (done,) = world.desks[code].platform.perform([act])
    assert isinstance(done, Done), done


def what_failed(world: World, code: str) -> str:
    """The one thing that waits for a person there, in both languages."""
    (todo,) = world.todos(code, "key_reused")
    return f"{todo.zh} {todo.en}"


def debit(case_id: str, who: Identity, level: Decimal, n: str = "1") -> Debit:
    return Debit(ActKey(case_id, "debit", n), who, Scheme.EMPLOYEE, level)


def test_a_debit_that_no_event_reports_is_set_anew_by_a_clerk(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    did(pair, XIAN, debit(case_id, who, LESS))
    pair.idle()
    assert pair.status(case_id) == "accepted"
    assert str(LESS) in what_failed(pair, XIAN), "the clerk reads what the platform has"
    assert "--anew" in what_failed(pair, XIAN)
    assert refused(pair, XIAN, case_id, "upload").code == "key_reused"
    pair.act(XIAN, case_id, "upload", anew=True)
    pair.idle()
    assert pair.status(case_id) == "closed"
    assert pair.registry_level(XIAN) == AMOUNT
    assert pair.todo_codes(XIAN) == []
    pair.agreed()
    pair.books_fit()


def test_a_copy_that_comes_late_with_the_old_key_sets_nothing_back(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    did(pair, XIAN, debit(case_id, who, LESS))
    pair.idle()
    pair.act(XIAN, case_id, "upload", anew=True)
    platform = pair.desks[XIAN].platform
    (same, other) = platform.perform([debit(case_id, who, LESS), debit(case_id, who, Decimal("1.00"))])
    assert isinstance(same, Done)
    assert same.repeated
    assert isinstance(other, Refused)
    assert pair.registry_level(XIAN) == AMOUNT


def test_what_was_set_anew_and_lost_again_is_set_anew_again(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    did(pair, XIAN, debit(case_id, who, LESS))
    did(pair, XIAN, debit(case_id, who, Decimal("2.00"), n="1.1"))
    pair.idle()
    pair.act(XIAN, case_id, "upload", anew=True)
    pair.idle()
    assert pair.status(case_id) == "closed"
    assert pair.registry_level(XIAN) == AMOUNT


def test_months_that_no_event_reports_are_recorded_anew(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    did(pair, WENZHOU, RecordMonths(ActKey(case_id, "complete", "1"), who, Scheme.EMPLOYEE, [ROW]))
    pair.idle()
    assert pair.status(case_id) == "form_uploaded"
    assert "--anew" in what_failed(pair, WENZHOU)
    pair.act(WENZHOU, case_id, "complete", anew=True)
    pair.idle()
    assert pair.status(case_id) == "closed"
    (now,) = pair.desks[WENZHOU].platform.form_facts([("00" * 16, who, Scheme.EMPLOYEE)], pair.clock().date())
    assert now is not None
    brought = [row.months for row in now.rows if row.region == XIAN]
    assert brought == [24], "what the form states stands, not what was there before"
    pair.agreed()
    pair.books_fit()


@pytest.mark.parametrize("act", ["upload", "complete", "credit", "remit"])
def test_without_anything_to_replace_nothing_is_set_anew(pair: World, act: str) -> None:
    by_clerk(pair, XIAN, OUT, "upload", "remit")
    by_clerk(pair, WENZHOU, IN, "complete", "credit")
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    for code, name in ((XIAN, "upload"), (XIAN, "remit"), (WENZHOU, "complete"), (WENZHOU, "credit")):
        if name == act:
            assert refused(pair, code, case_id, name, anew=True).code == "nothing_to_replace"
        pair.act(code, case_id, name)
        pair.idle()
    assert pair.status(case_id) == "closed"


def test_money_that_was_sent_without_an_event_is_told_as_it_was_sent(pair: World) -> None:
    by_clerk(pair, XIAN, OUT, "remit")
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    agency = pair.desks[XIAN]
    account = agency.participants.bank_account(WENZHOU, agency.today())
    number = str(account.version) if account else None
    key = ActKey(case_id, "remit", "1")
    did(pair, XIAN, Send(key, f"{case_id}R1", LESS, XIAN, WENZHOU, number, who.name, who.document_number))
    why = refused(pair, XIAN, case_id, "remit")
    assert (why.code, str(LESS) in why.zh) == ("key_reused", True)
    pair.act(XIAN, case_id, "remit_amount", amount=str(LESS))
    pair.idle()
    assert amounts(pair.case(XIAN, case_id).view.outbound.remittances) == [LESS, AMOUNT - LESS]
    assert pair.status(case_id) == "closed"
    pair.agreed()
    pair.books_fit()


def test_money_that_was_credited_without_an_event_is_told_and_the_rest_follows(pair: World) -> None:
    by_clerk(pair, WENZHOU, IN, "credit")
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    reference = f"{case_id}R1"
    did(pair, WENZHOU, Credit(ActKey(case_id, "credit", "1"), who, Scheme.EMPLOYEE, reference, LESS))
    why = refused(pair, WENZHOU, case_id, "credit")
    assert (why.code, str(LESS) in why.zh) == ("key_reused", True)
    pair.act(WENZHOU, case_id, "credit_amount", reference=reference, amount=str(LESS))
    pair.act(WENZHOU, case_id, "credit")
    pair.idle()
    assert amounts(pair.case(WENZHOU, case_id).view.inbound.credits) == [LESS, AMOUNT - LESS]
    assert pair.status(case_id) == "closed"
    pair.agreed()
    pair.books_fit()


# --- relations


def test_a_relation_that_a_case_holds_of_which_the_journal_has_lost_everything_does_not_move(pair: World) -> None:
    lost = "f" * 32
    (who,) = pair.moves(1)
    did(pair, XIAN, Hold(ActKey(lost, "hold", "1"), who, Scheme.EMPLOYEE))
    case_id = pair.case_of(who)
    pair.idle()
    assert pair.status(case_id) == "accepted"
    assert set(pair.todo_codes(XIAN)) == {"held_by_unknown", "held_by_other"}
    (todo,) = pair.todos(XIAN, "held_by_unknown")
    assert lost in todo.zh
    assert refused(pair, XIAN, case_id, "upload").code == "held_by_unknown"
    did(pair, XIAN, Reinstate(ActKey(lost, "release", "1"), who, Scheme.EMPLOYEE))
    pair.act(XIAN, case_id, "upload")
    pair.idle()
    assert pair.status(case_id) == "closed"


def test_a_hold_that_comes_late_lets_nobody_have_again_what_has_ended(
    pair: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = pair.services[XIAN, OUT].agency.platform
    perform = platform.perform

    def frozen(acts: Sequence[Act]) -> list[Done | Refused]:
        no = Refused("frozen", "关系被冻结", "frozen")
        return [no if isinstance(act, Hold) else perform([act])[0] for act in acts]

    monkeypatch.setattr(platform, "perform", frozen)
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    assert pair.status(case_id) == "closed"
    (todo,) = pair.todos(XIAN, "frozen")
    monkeypatch.undo()
    with pair.desks[XIAN].journal.write() as write:
        clear(write, todo, "D0117")
    pair.idle()
    assert relation(pair, who) == "ended"
    assert pair.todo_codes(XIAN) == []


# --- the person chooses between transfer and pay-out (Wenzhou art. 54(6), domain.md §2)


def leaving_wenzhou(world: World) -> str:
    """A case out of 温州 into a region without 门诊统筹, where the rules leave the person a choice."""
    world.change_entry(XIAN, outpatient_pooling=(OutpatientPooling(valid_from=date(2020, 1, 1), has_it=False),))
    for code in (XIAN, WENZHOU):  # a desk is opened for each act: it has read the entry
        file = world.folder / "directory.json"
        world.desks[code].participants = load_participants(file, world.configs[code].directory_root)
    (who,) = world.moves(1, out=WENZHOU, into=XIAN)
    case_id = world.case_of(who, at=XIAN, out=WENZHOU, into=XIAN)
    world.idle()
    return case_id


def test_where_the_rules_leave_a_choice_the_form_waits_for_the_person(pair: World) -> None:
    case_id = leaving_wenzhou(pair)
    assert pair.status(case_id) == "accepted"
    assert pair.todo_codes(WENZHOU) == ["money_choice"]
    pair.act(WENZHOU, case_id, "upload", money="transfer")
    pair.idle()
    assert pair.status(case_id) == "closed"
    assert pair.types(XIAN, case_id, Hand.INBOUND)[-1] == "BalanceCredited"
    pair.agreed(out=WENZHOU, into=XIAN)
    pair.books_fit(out=WENZHOU, into=XIAN)


def test_the_person_is_paid_who_wants_to_be_and_a_later_form_keeps_the_choice(pair: World) -> None:
    by_clerk(pair, XIAN, IN, "complete")
    case_id = leaving_wenzhou(pair)
    pair.act(WENZHOU, case_id, "upload", money="pay_to_person")
    pair.idle()
    account_now(pair, person(1), "900.00", WENZHOU)
    pair.act(XIAN, case_id, "query_form", field="account.balance", code="wrong_amount")
    pair.idle()
    pair.act(WENZHOU, case_id, "upload")
    pair.idle()
    pair.act(XIAN, case_id, "complete")
    pair.idle()
    view = pair.case(WENZHOU, case_id).view
    assert view.form is not None
    assert (view.form.version, view.form.outcome) == (2, "pay_to_person")
    assert amounts(view.outbound.paid_out) == [LESS]
    assert pair.status(case_id) == "closed"
    assert pair.registry_level(WENZHOU) == LESS
    pair.agreed(out=WENZHOU, into=XIAN)
    pair.books_fit(out=WENZHOU, into=XIAN)


def test_a_pay_out_without_an_event_is_told_and_the_rest_is_paid(pair: World) -> None:
    by_clerk(pair, WENZHOU, OUT, "pay_out")
    case_id = leaving_wenzhou(pair)
    pair.act(WENZHOU, case_id, "upload", money="pay_to_person")
    pair.idle()
    did(pair, WENZHOU, PayOut(ActKey(case_id, "pay_out", "1"), f"{case_id}P1", LESS, person(1).name))
    assert refused(pair, WENZHOU, case_id, "pay_out").code == "key_reused"
    pair.act(WENZHOU, case_id, "pay_out_amount", amount=str(LESS))
    pair.act(WENZHOU, case_id, "pay_out")
    pair.idle()
    assert amounts(pair.case(WENZHOU, case_id).view.outbound.paid_out) == [LESS, AMOUNT - LESS]
    assert pair.status(case_id) == "closed"
    pair.books_fit(out=WENZHOU, into=XIAN)


def test_nobody_is_paid_whom_the_rules_do_not_let_choose(pair: World) -> None:
    by_clerk(pair, XIAN, OUT, "upload")
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    assert refused(pair, XIAN, case_id, "upload", money="pay_to_person").code == "no_choice"


@pytest.mark.parametrize("act", ["credit", "complete", "remit", "pay_out", "return_uncredited", "upload"])
def test_an_act_that_comes_too_early_is_refused(pair: World, act: str) -> None:
    """Before the other side has answered there is nothing to act on."""
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    code = WENZHOU if act in ("credit", "complete", "return_uncredited") else XIAN
    pair.stopped |= {(XIAN, OUT)}
    if code == XIAN:
        pair.services[WENZHOU, IN].ledger.turn()
        pair.services[WENZHOU, IN].relay.turn()
        pair.services[XIAN, OUT].take_in(0.0)
    assert refused(pair, code, case_id, act).code in ("nothing_to_do", "not_permitted")
