"""The counter: what becomes a case, what is refused with every reason, what is turned back with what to do."""

from dataclasses import replace
from typing import Any

import pytest

from jiexu.case.event import Party, Role
from jiexu.journal.port import Todo
from jiexu.region.platform import EndRelation, Refused
from jiexu.rules.facts import Application, Identity, RelationStatus, Scheme
from jiexu.service.answering import Lodging
from jiexu.service.counter import anew_id, dry_run, lodge
from jiexu.service.todos import clear
from tests.service.pair import CHENGDU, IN, OUT, WENZHOU, XIAN, World, person


def codes(world: World, code: str, case_id: str, role: Role, seq: int) -> list[str]:
    """The reasons that a rejection gives."""
    return [reason["code"] for reason in world.case(code, case_id).event(role, seq).body["reasons"]]


# --- turned back: no case at all


@pytest.mark.parametrize(
    ("out", "into", "code"),
    [
        ("610104", "610102", "BOTH-03"),
        ("510100", "320100", "not_ours"),
    ],
)
def test_regions_between_which_nothing_is_transferred_here_turn_back_with_what_to_do(
    pair: World, out: str, into: str, code: str
) -> None:
    answer = pair.apply(person(1), at=XIAN, out=out, into=into)
    assert answer.outcome == "turned_back"
    assert answer.case_id is None
    (ground,) = answer.grounds
    assert ground.code == code
    assert ground.zh
    assert ground.todo_zh
    assert ground.todo_en


def test_an_unknown_region_is_turned_back_with_what_to_do(pair: World) -> None:
    answer = pair.apply(person(1), at=XIAN, into="999999")
    assert answer.outcome == "turned_back"
    assert answer.grounds[0].todo_zh
    with pair.desks[XIAN].journal.read() as read:
        assert read.last_position() == 0


def test_a_wrong_check_digit_is_turned_back_with_what_to_do(pair: World) -> None:
    who = person(1)
    wrong = replace(who, document_number=who.document_number[:-1] + ("0" if who.document_number[-1] != "0" else "1"))
    answer = pair.apply(wrong)
    assert [ground.code for ground in answer.grounds] == ["document_number"]
    assert answer.grounds[0].todo_en


def test_a_district_stands_for_its_pooling_region(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who, into="330304")
    assert pair.case(WENZHOU, case_id).parties[IN].region == WENZHOU


def test_a_dry_run_writes_nothing(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.leaves(who, in_hospital=True)
    application = Application(who, XIAN, WENZHOU, Scheme.EMPLOYEE, Scheme.EMPLOYEE, pair.clock().date())
    answer = dry_run(pair.desks[XIAN], application)
    assert answer.outcome == "refused"
    with pair.desks[XIAN].journal.read() as read:
        assert read.last_position() == 0


# --- refused at the counter


def test_all_reasons_are_given_at_once_and_the_case_is_not_sent(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.leaves(who, in_hospital=True, retired=True, status=RelationStatus.ACTIVE)
    answer = pair.apply(who, at=XIAN)
    assert answer.outcome == "refused"
    assert answer.case_id is not None
    assert set(codes(pair, XIAN, answer.case_id, OUT, 2)) >= {"OUT-01", "OUT-04", "OUT-07"}
    pair.idle()
    assert pair.case(XIAN, answer.case_id).view.status == "refused_at_counter"
    assert pair.mailbox(WENZHOU, IN) == []
    with pair.desks[XIAN].journal.read() as read:
        assert read.unreceipted() == []


def test_what_nobody_could_say_of_an_application_that_is_refused_has_not_passed(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.leaves(who, in_hospital=None, retired=True)
    answer = pair.apply(who, at=XIAN)
    assert answer.outcome == "refused"
    assert answer.case_id is not None
    assert codes(pair, XIAN, answer.case_id, OUT, 2) == ["OUT-07"]
    checks = pair.case(XIAN, answer.case_id).event(OUT, 1).body["checks"]
    assert not {"OUT-04", "OUT-07"} & {check["code"] for check in checks}
    assert "OUT-01" in {check["code"] for check in checks}


def test_the_answering_side_gives_all_its_reasons_at_once(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.leaves(who, in_hospital=True, status=RelationStatus.ACTIVE)
    case_id = pair.case_of(who)
    pair.idle()
    assert pair.status(case_id) == "rejected"
    assert set(codes(pair, WENZHOU, case_id, OUT, 1)) >= {"OUT-01", "OUT-04"}
    pair.agreed()


def test_a_second_application_at_the_same_counter_is_refused(pair: World) -> None:
    (who,) = pair.moves(1)
    first = pair.case_of(who)
    again = pair.apply(who)
    assert again.outcome == "refused"
    assert again.case_id is not None
    assert codes(pair, WENZHOU, again.case_id, IN, 2) == ["BOTH-04"]
    pair.idle()
    assert pair.status(first) == "closed"


def test_a_choice_about_double_months_is_no_obstacle_where_none_are_known(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who, overlap_kept=OUT)
    pair.idle()
    assert pair.status(case_id) == "closed"


# --- twins


def test_of_twins_lodged_on_both_sides_at_once_one_survives_and_is_named(pair: World) -> None:
    (who,) = pair.moves(1)
    at_outbound, at_inbound = pair.case_of(who, at=XIAN), pair.case_of(who, at=WENZHOU)
    pair.idle()
    assert pair.status(at_outbound) == "closed"
    assert pair.status(at_inbound) == "rejected"
    rejection = pair.case(WENZHOU, at_inbound).event(OUT, 1).body
    assert [reason["code"] for reason in rejection["reasons"]] == ["OUT-10"]
    assert rejection["survivor"] == at_outbound
    pair.agreed()
    pair.books_fit()


def test_an_application_from_elsewhere_that_came_first_wins_over_the_own_counter(pair: World) -> None:
    (who,) = pair.moves(1)
    first = pair.case_of(who, at=WENZHOU)
    pair.idle(turns=200)
    late = pair.apply(who, at=XIAN)
    assert late.outcome == "refused"
    assert pair.status(first) == "closed"


def test_one_relation_claimed_by_two_regions_goes_to_one(three: World) -> None:
    (who,) = three.moves(1)
    three.joins(who, CHENGDU)
    cases = {WENZHOU: three.case_of(who), CHENGDU: three.case_of(who, at=CHENGDU, into=CHENGDU)}
    three.idle()
    ends = {code: three.status(case_id, XIAN, code) for code, case_id in cases.items()}
    assert sorted(ends.values()) == ["closed", "rejected"]
    loser = next(code for code, status in ends.items() if status == "rejected")
    winner = next(code for code in cases if code != loser)
    rejection = three.case(loser, cases[loser]).event(OUT, 1).body
    assert ([r["code"] for r in rejection["reasons"]], rejection["survivor"]) == (["OUT-10"], cases[winner])
    three.agreed(XIAN, WENZHOU)
    three.agreed(XIAN, CHENGDU)


def claimed_again(three: World) -> str:
    """Somebody whose case has closed while 西安's platform still has the relation, and who is claimed once more."""
    (who,) = three.moves(1)
    three.joins(who, CHENGDU)
    first = three.case_of(who)
    three.idle()
    assert three.status(first) == "closed"
    (facts,) = three.desks[XIAN].platform.facts([who], Scheme.EMPLOYEE, three.clock().date())
    assert [relation.status for relation in facts.relations] == [RelationStatus.SUSPENDED]
    second = three.case_of(who, at=CHENGDU, into=CHENGDU)
    three.idle()
    assert three.status(second, XIAN, CHENGDU) == "rejected"
    assert three.case(CHENGDU, second).event(OUT, 1).body["survivor"] == first
    return first


def test_a_relation_whose_end_is_not_done_yet_on_the_platform_is_not_moved_again(three: World) -> None:
    consequences = three.services[XIAN, OUT].consequences
    consequences.turn = lambda: 0  # type: ignore[method-assign]
    claimed_again(three)


def test_a_relation_whose_end_the_platform_refused_is_not_moved_again_while_that_waits(three: World) -> None:
    platform: Any = three.agencies[XIAN, OUT].platform
    perform = platform.perform
    no = Refused("not_now", "暂不能办理", "not now")
    platform.perform = lambda acts: [no if isinstance(a, EndRelation) else perform([a])[0] for a in acts]
    first = claimed_again(three)
    (waits,) = three.todos(XIAN, "not_now")
    assert waits.case_id == first
    dealt_with(three, waits)  # a word: the platform was not asked again yet
    second = three.case_of(person(1), at=CHENGDU, into=CHENGDU)
    three.idle()
    assert three.status(second, XIAN, CHENGDU) == "rejected"
    (waits,) = three.todos(XIAN, "not_now")  # it refused again
    platform.perform = perform
    dealt_with(three, waits)
    three.idle()
    assert three.todos(XIAN, "not_now") == []
    (facts,) = three.desks[XIAN].platform.facts([person(1)], Scheme.EMPLOYEE, three.clock().date())
    assert [(one.status, one.ended_to) for one in facts.relations] == [(RelationStatus.ENDED, WENZHOU)]


def dealt_with(world: World, todo: Todo) -> None:
    """A person has dealt with an item."""
    with world.agencies[XIAN, OUT].journal.write() as write:
        clear(write, todo, "D0117")


# --- forwarded


def moved_on(world: World, number: int = 1) -> Identity:
    """Somebody whose relation in Xi'an had ended and gone to Chengdu, now in Wenzhou."""
    who = person(number)
    world.leaves(who, XIAN, status=RelationStatus.ENDED, ended_to=CHENGDU)
    world.leaves(who, CHENGDU)
    world.joins(who, WENZHOU)
    return who


def test_a_forwarded_case_is_lodged_anew_linked_with_its_date_kept(three: World) -> None:
    who = moved_on(three)
    applied_on = three.clock().date()
    case_id = three.case_of(who)
    three.clock.pass_by(days=1)
    three.idle()
    assert three.status(case_id, XIAN, WENZHOU) == "forwarded"
    new_id = anew_id(case_id)
    assert three.status(new_id, CHENGDU, WENZHOU) == "closed"
    application = three.case(CHENGDU, new_id).application
    assert application is not None
    body = application.body
    assert (body["forwarded_from"], body["hops"], body["applied_on"]) == (case_id, 1, applied_on)
    three.agreed(XIAN, WENZHOU)
    three.agreed(CHENGDU, WENZHOU)


def test_a_partner_may_name_a_county_and_it_is_the_pooling_region_that_is_heard_first(
    three: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Party] = []

    def hear_first(_: object, partner: Party) -> bool:
        heard.append(partner)
        return False

    monkeypatch.setattr("jiexu.service.answering.hear_first", hear_first)
    agency = three.agencies[XIAN, OUT]
    agency.config = agency.config.model_copy(update={"steps": {"outbound": {"answer": "clerk"}}})
    (who,) = three.moves(1)
    case_id = three.case_of(who)
    three.idle()
    three.act(XIAN, case_id, "forward", region="510104", text=None)
    three.idle()
    assert heard == [Party(CHENGDU, OUT)]
    assert three.case(WENZHOU, anew_id(case_id)).parties[OUT].region == CHENGDU


def test_after_two_hops_a_case_is_rejected_and_not_forwarded(three: World) -> None:
    who = moved_on(three)
    application = Application(who, XIAN, WENZHOU, Scheme.EMPLOYEE, Scheme.EMPLOYEE, three.clock().date())
    (answer,) = lodge(three.desks[WENZHOU], [Lodging(application, hops=2)])
    assert answer.case_id is not None
    three.idle()
    assert three.status(answer.case_id, XIAN, WENZHOU) == "rejected"
    assert codes(three, WENZHOU, answer.case_id, OUT, 1) == ["OUT-02"]


def test_a_lodger_that_has_withdrawn_lodges_nothing_anew(three: World) -> None:
    who = moved_on(three)
    case_id = three.case_of(who)
    three.stopped.add((WENZHOU, IN))
    service = three.services[WENZHOU, IN]
    service.ledger.turn()
    service.relay.turn()
    for _ in range(6):
        three.turn()
    assert three.case(XIAN, case_id).view.status == "forwarded"
    three.act(WENZHOU, case_id, "withdraw", reason="applicant_request")
    three.stopped.clear()
    three.idle()
    with three.desks[WENZHOU].journal.read() as read:
        assert read.heads([anew_id(case_id)]) == {}
    three.agreed(XIAN, WENZHOU)


def test_applications_of_one_call_stand_by_themselves(pair: World) -> None:
    good, bad = pair.moves(1, 2)
    pair.leaves(bad, in_hospital=True)
    wrong = replace(good, document_number="123")

    def application(who: Identity) -> Lodging:
        return Lodging(Application(who, XIAN, WENZHOU, Scheme.EMPLOYEE, Scheme.EMPLOYEE, pair.clock().date()))

    answers: list[Any] = lodge(pair.desks[XIAN], [application(who) for who in (good, wrong, bad)])
    assert [answer.outcome for answer in answers] == ["lodged", "turned_back", "refused"]
    pair.idle()
    assert pair.status(answers[0].case_id) == "closed"
