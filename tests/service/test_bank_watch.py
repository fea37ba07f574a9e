"""Lines of the bank's book that no case names: they wait for their event, and after a week for a person."""

import json

from jiexu.case.event import Role
from tests.service.pair import AMOUNT, IN, OUT, WENZHOU, XIAN, World
from tests.service.test_bad_input import send_at_the_bank


def test_money_that_no_event_explains_is_an_alarm_after_a_week(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    send_at_the_bank(pair, case_id, who, "STRAY-1", "50.00")
    send_at_the_bank(pair, case_id, who, "STRAY-2", "7.00")
    pair.idle()
    pair.clock.pass_by(days=6)
    pair.idle()
    assert pair.todos(WENZHOU, "money_unexplained") == [], "its event may be on its way"
    pair.clock.pass_by(days=2)
    pair.idle()
    (alarm,) = pair.todos(WENZHOU, "money_unexplained")
    assert json.loads(alarm.data) == {"references": ["STRAY-1", "STRAY-2"]}
    assert "STRAY-1 到账 50.00 元" in alarm.zh
    assert "7.00 yuan arrived under STRAY-2" in alarm.en
    assert pair.todos(XIAN, "money_unexplained") == [], "what one sends oneself stands in no line of one's own"
    pair.clock.pass_by(days=30)
    pair.idle()
    assert len(pair.todos(WENZHOU, "money_unexplained")) == 1, "it is said once"


def test_money_whose_event_comes_late_is_no_alarm(pair: World) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.stopped |= {(WENZHOU, IN)}
    for _ in range(30):
        pair.turn()
    pair.stopped = {(XIAN, OUT), (XIAN, IN)}
    pair.services[WENZHOU, IN].bank.turn()
    pair.clock.pass_by(days=10)
    pair.stopped.clear()
    pair.idle()
    assert pair.status(case_id) == "closed"
    assert pair.case(WENZHOU, case_id).view.inbound.credits[0].amount == AMOUNT
    assert all(pair.todos(code, "money_unexplained") == [] for code in (XIAN, WENZHOU) for _ in Role)
