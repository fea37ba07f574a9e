"""`jiexu parked` and `jiexu todo`: what could not be placed, and what waits for a person."""

import os
import stat

import pytest

from tests.service.pair import DESK, OUT, WENZHOU, XIAN, World

from .regions import At, at, pair, regions_on_disk

__all__ = ["at", "pair", "regions_on_disk"]

NUMBER = "610100199001010018"


@pytest.fixture
def rubbish(pair: World) -> None:
    """Bytes that are no record, in Xi'an's mailbox."""
    pair.post(XIAN, OUT, b"hello")
    pair.turn()


@pytest.mark.usefixtures("rubbish")
def test_the_list_says_which_and_why(at: At) -> None:
    (row,) = at(XIAN, "parked", "list", "--json").json
    assert (row["code"], row["settled"]) == ("not_avro", None)
    assert row["zh"]
    assert row["en"]
    assert "not_avro" in at(XIAN, "parked", "list").out
    assert "没有搁置" in at(WENZHOU, "parked", "list").out


@pytest.mark.usefixtures("rubbish")
def test_what_cannot_be_placed_still_is_parked_still(at: At) -> None:
    (row,) = at(XIAN, "parked", "list", "--json").json
    answer = at(XIAN, "parked", "retry", row["id"], "--json")
    assert (answer.code, answer.json[0]["outcome"]) == (1, "still_parked")
    assert len(at(XIAN, "parked", "list", "--json").json) == 1


def parked_by_an_old_directory(pair: World) -> str:
    """A good bundle, parked because the directory did not know its sender then; returns the case."""
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.park_for_unknown_sender()
    return case_id


def test_a_retry_takes_in_what_has_become_placeable_and_settles_it(pair: World, at: At) -> None:
    case_id = parked_by_an_old_directory(pair)
    rows = at(XIAN, "parked", "list", "--json").json
    assert [row["code"] for row in rows] == ["key_unknown"]
    answer = at(XIAN, "parked", "retry", "--all", "--json")
    assert (answer.code, [one["outcome"] for one in answer.json]) == (0, ["taken_in"])
    assert at(XIAN, "parked", "list", "--json").json == []
    assert at(XIAN, "parked", "list", "--all", "--json").json[0]["settled"] == "taken_in"
    again = at(XIAN, "parked", "retry", rows[0]["id"], "--json")
    assert (again.code, again.json[0]["outcome"]) == (0, "settled_before")
    pair.idle()
    assert pair.status(case_id) == "closed"


def test_a_retry_of_nothing_changes_nothing(at: At) -> None:
    assert at(XIAN, "parked", "retry").code == 2
    assert at(XIAN, "parked", "retry", "1", "--all").code == 2
    assert at(XIAN, "parked", "retry", "99").code == 1
    assert at(XIAN, "parked", "retry", "--all", "--json").json == []


def test_a_record_is_described_by_its_events_and_its_bytes_are_never_printed(pair: World, at: At) -> None:
    case_id = parked_by_an_old_directory(pair)
    (row,) = at(XIAN, "parked", "list", "--json").json
    shown = at(XIAN, "parked", "show", row["id"], "--json")
    assert shown.json["kind"] == "Bundle"
    assert [(e["case"], e["type"]) for e in shown.json["events"]] == [(case_id, "TransferApplied")]
    (stored,) = pair.parked(XIAN)
    assert shown.json["bytes"] == len(stored.bytes)
    assert stored.bytes.hex() not in shown.out
    assert "TransferApplied" in at(XIAN, "parked", "show", row["id"]).out
    assert at(XIAN, "parked", "show", 99).code == 1


def test_the_bytes_are_saved_for_the_owner_alone_and_never_over_a_file(pair: World, at: At) -> None:
    parked_by_an_old_directory(pair)
    (stored,) = pair.parked(XIAN)
    file = pair.folder / "record.avro"
    assert at(XIAN, "parked", "show", stored.id, "--save", file).code == 0
    assert file.read_bytes() == stored.bytes
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert at(XIAN, "parked", "show", stored.id, "--save", file).code == 2


def raise_alarm(pair: World, case_id: str | None = None) -> int:
    with pair.desks[XIAN].journal.write() as write:
        return write.raise_todo("alarm", "trial", case_id, f"请核对 {NUMBER}", f"look at {NUMBER}")


def test_an_item_is_cleared_by_name_and_the_journal_keeps_who(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who, at=XIAN)
    number = raise_alarm(pair, case_id)
    (row,) = at(XIAN, "todo", "list", "--json").json
    assert (row["id"], row["case"], row["cleared_at"]) == (number, case_id, None)
    done = at(XIAN, "todo", "clear", number, "--by", "D0117", "--json")
    assert (done.code, done.json["by"]) == (0, "D0117")
    assert at(XIAN, "todo", "list", "--json").json == []
    (old,) = at(XIAN, "todo", "list", "--all", "--json").json
    assert (old["id"], old["cleared_by"]) == (number, "D0117")
    assert at(XIAN, "todo", "clear", number, "--by", "D0117").code == 1
    pair.idle()  # a fact of the journal travels to the ledger like any other line


def test_an_identity_number_is_no_staff_number(pair: World, at: At) -> None:
    number = raise_alarm(pair)
    for by in (NUMBER, " ", "a\nb"):
        assert at(XIAN, "todo", "clear", number, "--by", by).code == 2
    assert len(at(XIAN, "todo", "list", "--json").json) == 1


def test_numbers_in_the_text_of_an_item_are_masked(pair: World, at: At) -> None:
    raise_alarm(pair)
    for form in ((), ("--json",)):
        out = at(XIAN, "todo", "list", *form).out
        assert NUMBER not in out
        assert "6101" in out


def test_an_item_about_a_case_puts_it_on_the_agenda(pair: World, at: At) -> None:
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    pair.idle()
    number = raise_alarm(pair, case_id)
    assert at(XIAN, "todo", "clear", number, "--by", DESK.handled_by).code == 0
    with pair.desks[XIAN].journal.read() as read:
        assert [case for case, _ in read.agenda(OUT, pair.clock(), 10)] == [case_id]
