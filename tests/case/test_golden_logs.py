"""Committed histories replay to the state hashes that were written down with them, today and in ten years."""

from pathlib import Path

import pytest
from golden_logs import GOLDEN, STORIES, read

from jiexu.case.case import Case, replay
from jiexu.case.document import state_hash

LOGS = sorted(GOLDEN.glob("*.json"))


def test_there_is_a_log_for_every_story() -> None:
    assert [log.stem for log in LOGS] == sorted(STORIES)


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_a_log_replays_to_its_state_hash_after_every_event(log: Path) -> None:
    lines = read(log)
    case = Case(lines[0][0].case_id)
    for event, expected in lines:
        case.take(event)
        assert state_hash(case) == expected, f"after {event.hand} {event.seq} {event.type}"


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_a_log_replays_at_once(log: Path) -> None:
    lines = read(log)
    assert state_hash(replay(lines[0][0].case_id, [event for event, _ in lines])) == lines[-1][1]
