"""Evidence of one case: what an outsider can check with the file, the directory and its root's key alone."""

import json
import sqlite3
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from jiexu.audit.evidence import export_case
from jiexu.audit.evidence_check import EvidenceReport, verify_file
from jiexu.audit.evidence_file import LIST, EvidenceError
from jiexu.case.document import state_hash
from jiexu.region.directory.file import load_participants
from jiexu.region.directory.participants import Participants
from tests.contract import other_implementer
from tests.service.pair import AMOUNT, WENZHOU, XIAN, World


def directory(world: World) -> Participants:
    return load_participants(world.folder / "directory.json", world.configs[XIAN].directory_root)


def export(world: World, case_id: str, at: str = XIAN, withhold: tuple[str, ...] = ()) -> Path:
    file = world.folder / f"{at}-{len(list(world.folder.glob('*.zip')))}.zip"
    export_case(world.desks[at].journal, case_id, file, exported_at=world.clock(), withhold=withhold)
    return file


def checked(world: World, file: Path) -> EvidenceReport:
    return verify_file(file, directory(world))


def rewritten(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    other = file.with_suffix(".changed.zip")
    with zipfile.ZipFile(other, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return other


def replaced(was: bytes, becomes: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(entries: dict[str, bytes]) -> None:
        found = [name for name, data in entries.items() if was in data and name.startswith("bundles/")]
        assert found
        entries[found[-1]] = entries[found[-1]].replace(was, becomes)

    return change


def listed(change: Callable[[dict[str, object]], None]) -> Callable[[dict[str, bytes]], None]:
    def of_list(entries: dict[str, bytes]) -> None:
        document = json.loads(entries[LIST])
        change(document)
        entries[LIST] = json.dumps(document).encode()

    return of_list


@pytest.fixture
def closed(pair: World) -> str:
    """Two cases that travelled in the same bundles; the id of the first."""
    case_id, _ = (pair.case_of(who) for who in pair.moves(1, 2))
    pair.idle()
    assert pair.status(case_id, XIAN, WENZHOU) == "closed"
    return case_id


@pytest.mark.parametrize("at", [XIAN, WENZHOU])
def test_either_side_can_prove_both_hands_and_the_state_to_an_outsider(pair: World, closed: str, at: str) -> None:
    report = checked(pair, export(pair, closed, at))
    assert report.problems == []
    assert len(report.events) == 7
    assert {proved.signed_by for proved in report.events} == {f"{XIAN}.outbound", f"{WENZHOU}.inbound"}
    assert not any(proved.void for proved in report.events)
    assert (report.status, report.state_hash) == ("closed", state_hash(pair.case(at, closed)))


def test_the_file_says_when_the_other_sides_events_arrived_under_the_receivers_signature(
    pair: World, closed: str
) -> None:
    report = checked(pair, export(pair, closed, XIAN))
    own = [proved for proved in report.events if proved.signed_by.startswith(WENZHOU)]
    assert {(r.of, r.hand, r.seq) for r in report.receipts} == {
        (f"{XIAN}.outbound", proved.event.hand, proved.event.seq) for proved in own
    }


def test_other_cases_in_the_same_bundles_show_nothing_but_their_hashes(pair: World, closed: str) -> None:
    file = export(pair, closed)
    with pair.desks[XIAN].journal.read() as read:
        (other,) = [row.case_id for row in read.cases() if row.case_id != closed]
        values = {row.value.encode() for row in read.disclosures([other]) if row.value}
        own = {row.value.encode() for row in read.disclosures([closed]) if row.value}
    with zipfile.ZipFile(file) as archive:
        bundles = [archive.read(name) for name in archive.namelist() if name.startswith("bundles/")]
    assert not any(bytes.fromhex(other) in data for data in bundles)
    assert not any(value in data for value in values - own for data in bundles)
    assert all(any(value in data for data in bundles) for value in own)


def test_what_is_withheld_is_nowhere_in_the_file_and_everything_still_holds(pair: World, closed: str) -> None:
    full, kept = export(pair, closed), export(pair, closed, withhold=("person.name",))
    report = checked(pair, kept)
    assert report.sound
    assert report.state_hash == checked(pair, full).state_hash
    application = next(proved for proved in report.events if proved.event.type == "TransferApplied")
    assert "person.name" in application.withheld
    assert "person.document_number" in application.values
    with zipfile.ZipFile(kept) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    given = next(p.values["person.name"] for p in checked(pair, full).events if "person.name" in p.values)
    assert given.encode() not in everything, "in whatever field it stands"


def test_all_under_a_path_can_be_withheld(pair: World, closed: str) -> None:
    report = checked(pair, export(pair, closed, withhold=("person",)))
    assert report.sound
    assert not any(name.startswith("person.") for proved in report.events for name in proved.values)


def test_all_personal_values_can_be_withheld_at_once(pair: World, closed: str) -> None:
    report = checked(pair, export(pair, closed, withhold=("*",)))
    assert report.sound
    assert not any(proved.values for proved in report.events)


def test_a_field_that_no_event_has_is_refused_since_a_slip_would_give_it_away(pair: World, closed: str) -> None:
    with pytest.raises(EvidenceError, match="unknown_field") as refused:
        export(pair, closed, withhold=("person.nam",))
    assert refused.value.code == "unknown_field"
    assert list(pair.folder.glob("*.zip")) == []


def test_an_erased_value_is_listed_as_such_and_breaks_nothing(pair: World, closed: str) -> None:
    with sqlite3.connect(pair.folder / XIAN / "journal.db") as db:
        db.execute("UPDATE disclosures SET value = NULL, salt = NULL WHERE field = 'person.name'")
    report = checked(pair, export(pair, closed))
    assert report.sound
    assert "inbound 1 person.name" in report.contents.erased


def test_the_same_case_and_choice_give_the_same_bytes(pair: World, closed: str) -> None:
    assert export(pair, closed).read_bytes() == export(pair, closed).read_bytes()


def test_a_file_is_never_written_over_and_only_its_owner_reads_it(pair: World, closed: str) -> None:
    file = export(pair, closed)
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(FileExistsError):
        export_case(pair.desks[XIAN].journal, closed, file, exported_at=pair.clock())
    assert not list(pair.folder.glob(".*"))


def test_a_case_that_the_journal_has_not_is_refused(pair: World) -> None:
    with pytest.raises(EvidenceError, match="unknown_case"):
        export(pair, "0" * 32)


def test_an_open_case_is_proved_as_far_as_it_has_come(pair: World) -> None:
    case_id = pair.case_of(*pair.moves(1))
    report = checked(pair, export(pair, case_id, WENZHOU))
    assert report.sound
    assert (report.status, len(report.events)) == ("applied", 1)


def test_a_void_event_is_found_void_again_by_whoever_checks(pair: World) -> None:
    case_id = pair.case_of(*pair.moves(1))
    pair.idle()
    wrong = pair.misissue(WENZHOU, case_id, "FormQueryClosed", {"closes": 1, "reason": "sent_in_error"})
    pair.idle()
    report = checked(pair, export(pair, case_id, XIAN))
    assert report.sound
    assert [proved.event.event_id for proved in report.events if proved.void] == [wrong.event_id]


# --- what is touched is found


def test_a_changed_amount_is_not_what_was_signed(pair: World, closed: str) -> None:
    unscaled = int(AMOUNT * 100).to_bytes(3, "big")
    report = checked(pair, rewritten(export(pair, closed), replaced(unscaled, b"\x02" + unscaled[1:])))
    assert any("bad_signature" in problem for problem in report.problems)


def test_a_changed_personal_value_does_not_fit_its_digest(pair: World, closed: str) -> None:
    name = "测试乙".encode()
    report = checked(pair, rewritten(export(pair, closed), replaced(name, "测试丙".encode())))
    assert any(problem.endswith(": digest_differs") for problem in report.problems)


def test_an_event_left_out_is_missed_by_what_follows_it(pair: World, closed: str) -> None:
    def first_left_out(document: dict[str, object]) -> None:
        document["bundles"] = document["bundles"][1:]  # type: ignore[index]

    report = checked(pair, rewritten(export(pair, closed), listed(first_left_out)))
    assert any("not in the file" in problem for problem in report.problems)


def test_a_last_event_left_out_shows_by_the_state_that_the_exporter_states(pair: World, closed: str) -> None:
    def last_left_out(document: dict[str, object]) -> None:
        document["bundles"] = document["bundles"][:-1]  # type: ignore[index]

    report = checked(pair, rewritten(export(pair, closed), listed(last_left_out)))
    assert any("states another state (closed)" in problem for problem in report.problems)


def test_another_case_under_this_ones_name_is_no_evidence_of_it(pair: World, closed: str) -> None:
    def renamed(document: dict[str, object]) -> None:
        document["case_id"] = "0" * 32

    report = checked(pair, rewritten(export(pair, closed), listed(renamed)))
    assert any(f"belongs to case {closed}" in problem for problem in report.problems)


def test_a_key_that_was_stolen_before_the_recording_proves_nothing(pair: World, closed: str) -> None:
    file = export(pair, closed)
    entry = directory(pair).entry(WENZHOU)
    now = pair.clock()
    stolen = entry.keys[-1].model_copy(update={"compromised_since": now - timedelta(hours=1), "revoked_at": now})
    pair.change_entry(WENZHOU, keys=(*entry.keys[:-1], stolen))
    report = checked(pair, file)
    assert any("may be in other hands" in problem for problem in report.problems)
    assert not any(proved.signed_by.startswith(WENZHOU) for proved in report.events)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda entries: entries.pop(LIST), "not_evidence"),
        (lambda entries: entries.pop("bundles/1.avro"), "not_evidence"),
        (listed(lambda document: document.update(format="jiexu/evidence/2")), "newer_version"),
        (listed(lambda document: document.update(format="other")), "not_evidence"),
        (listed(lambda document: document.update(bundles="none")), "not_evidence"),
        (lambda entries: entries.update({"bundles/1.avro": bytes(600_000)}), "not_evidence"),
    ],
)
def test_what_is_no_evidence_file_is_refused_in_a_sentence(
    pair: World, closed: str, change: Callable[[dict[str, bytes]], None], code: str
) -> None:
    with pytest.raises(EvidenceError) as refused:
        checked(pair, rewritten(export(pair, closed), change))
    assert refused.value.code == code


def test_a_file_that_is_no_zip_is_refused(pair: World, tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    file.write_text("{}")
    with pytest.raises(EvidenceError, match="not_evidence"):
        checked(pair, file)


def test_another_implementation_of_the_contract_comes_to_the_same(pair: World, closed: str) -> None:
    file = export(pair, closed)
    keys = {code: directory(pair).entry(code).keys[-1].raw for code in (XIAN, WENZHOU)}
    found = set()
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.startswith("bundles/"):
                data = archive.read(name)
                issuer = other_implementer.read(data)["issuer"]["region"]
                found |= {event["hash"] for event in other_implementer.check_bundle(data, keys[issuer])}
    assert found == {proved.event.hash for proved in checked(pair, file).events}
