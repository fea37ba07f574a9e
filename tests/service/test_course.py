"""One id in the logs of both agencies: the course of a case, event by event."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from jiexu.service import course
from tests.service.pair import IN, OUT, WENZHOU, XIAN, World

Lines = list[dict[str, Any]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """Every line that services write from here on."""
    lines: Lines = []

    def put(text: str) -> None:
        assert text.endswith("\n")
        lines.extend(json.loads(line) for line in text.splitlines())

    built = course.CourseLog.__init__

    def with_put(self: Any, agency: Any, role: Any, follower: str, put: Callable[[str], None] = put) -> None:
        built(self, agency, role, follower, put)

    monkeypatch.setattr(course.CourseLog, "__init__", with_put)
    return lines


def restart_all(pair: World) -> None:
    for key in list(pair.services):
        pair.restart(*key)


def places(lines: Lines, case_id: str) -> list[tuple[str, str, str, int]]:
    return [(x["region"], x["event"], x["hand"], x["seq"]) for x in lines if x["case_id"] == case_id]


def test_one_id_shows_the_course_of_a_case_in_both_agencies_logs(pair: World, told: Lines) -> None:
    people = pair.moves(8, 9)
    restart_all(pair)
    case_id, other = [pair.case_of(who) for who in people]
    pair.idle()
    seen = places(told, case_id)
    issued = {(hand, seq) for _, what, hand, seq in seen if what == "issued"}
    assert issued == {(hand, seq) for _, what, hand, seq in seen if what == "received"}
    assert len(seen) == len(set(seen)) == 14
    assert len(places(told, other)) == 14
    course_here = [(x["event"], x["type"]) for x in told if x["case_id"] == case_id and x["region"] == WENZHOU]
    assert course_here[0] == ("issued", "TransferApplied")
    assert course_here[-1] == ("issued", "BalanceCredited")
    with pair.desks[XIAN].journal.read() as read:
        stored = {e.event.event_id: (e.position, e.event.type) for e in read.case_events(case_id)}
    lines = [x for x in told if x["case_id"] == case_id and x["region"] == XIAN]
    assert {x["event_id"]: (x["position"], x["type"]) for x in lines} == stored
    assert {x["role"] for x in lines} == {"outbound"}


def test_what_was_issued_while_no_service_ran_is_told_at_the_next_start(pair: World, told: Lines) -> None:
    (who,) = pair.moves(8)
    pair.kill(WENZHOU, IN)
    case_id = pair.case_of(who)
    pair.start(WENZHOU, IN)
    pair.idle()
    assert (WENZHOU, "issued", "inbound", 1) in places(told, case_id)


def test_a_line_that_a_crash_took_is_told_again(pair: World, told: Lines) -> None:
    (who,) = pair.moves(8)
    restart_all(pair)
    case_id = pair.case_of(who)
    service = pair.services[WENZHOU, IN]
    service.course.put = lambda _: (_ for _ in ()).throw(BrokenPipeError())  # type: ignore[assignment]
    with pytest.raises(BrokenPipeError):
        pair.turn()
    restart_all(pair)
    pair.idle()
    assert len(set(places(told, case_id))) == 14


def test_a_region_that_wants_no_course_in_its_logs_has_none(pair: World, told: Lines) -> None:
    for key in list(pair.services):
        pair.kill(*key)
        pair.start(*key, config=pair.configs[key[0]].model_copy(update={"log_level": "warning"}))
    (who,) = pair.moves(8)
    pair.case_of(who)
    pair.idle()
    assert told == []
    assert pair.agencies[XIAN, OUT].config.log_level == "warning"
