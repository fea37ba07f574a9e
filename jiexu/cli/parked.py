"""`jiexu parked`: records that could not be placed: which, why, and once more when the cause is cured."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jiexu.cli.errors import NO, Failure
from jiexu.cli.options import opened, opened_to_write, with_config, with_json
from jiexu.cli.texts import print_json, say

if TYPE_CHECKING:
    from jiexu.journal.port import ParkedRecord
    from jiexu.service.agency import Agency


@click.group(
    help="""搁置的记录：收到而无法收录的，连同原件与原因。不影响其他业务，原因消除后可重试。

    Records that could not be placed, kept with their reason. They block nothing, and can be tried again.

    \b
    例 Examples:
      jiexu parked list
      jiexu parked show 3
      jiexu parked retry 3
    """
)
def parked() -> None:
    """The group; see its help."""


@parked.command(
    "list",
    help="""列出搁置的记录及原因。Records that are parked, and why.

    \b
    例 Example:  jiexu parked list --all --json
    """,
)
@click.option("--all", "everything", is_flag=True, help="含已处理的 settled ones too.")
@with_config
@with_json
def list_parked(everything: bool, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    with opened(config_file) as agency, agency.journal.read() as read:
        rows = read.parked() + (read.parked(settled=True) if everything else [])
    if as_json:
        print_json([_document(row) for row in rows])
    elif rows:
        _print(rows)
        click.echo(say("原因消除后：jiexu parked retry 编号", "Once the cause is cured: jiexu parked retry ID"))
    else:
        click.echo(say("没有搁置的记录。", "Nothing is parked."))


@parked.command(
    help="""一条搁置的记录：原因、来处、其中的事件。--save 存出原件（0600）。

    One parked record: why, where from, which events. The bytes may hold personal values, so they are never printed;
    --save writes them to a new file that only you can read.

    \b
    例 Example:  jiexu parked show 3 --save ./record-3.avro
    """
)
@click.argument("number", metavar="ID", type=int)
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="原件存到此文件 write the bytes there.")
@with_config
@with_json
def show(number: int, save: Path | None, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    with opened(config_file) as agency, agency.journal.read() as read:
        row = read.parked_record(number)
    if row is None:
        raise _unknown(number)
    if save is not None:
        _save(save, row.bytes)
    document = _document(row) | _contents(row.bytes)
    if as_json:
        print_json(document)
        return
    from jiexu.cli.shown import beijing, said

    click.echo(f"{row.id} {row.code} {said(row.zh, row.en)}")
    place = f"{row.arrival.topic}[{row.arrival.partition}]@{row.arrival.offset}"
    click.echo(f"{place} {row.sender} {beijing(row.arrival.appended_at)} {_settled(row)}".rstrip())
    click.echo(f"{document['kind'] or '?'} {len(row.bytes)} bytes SHA-256 {document['sha256']}")
    for event in document["events"]:
        click.echo(f"  {event['case']} {event['hand']} #{event['seq']} {event['type']}")
    if save is not None:
        click.echo(say(f"原件已存到 {save}", f"the bytes are in {save}"))


@parked.command(
    help="""重试：原因消除后再次收录，与正常收录走同一条路。

    Try again, by the same way as any record that arrives; what was taken in is settled.

    \b
    例 Examples:
      jiexu parked retry 3 4
      jiexu parked retry --all
    退出码为 1：仍有搁置的。Exit code 1: something is still parked.
    """
)
@click.argument("numbers", metavar="[ID]…", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="全部重试 all of them.")
@with_config
@with_json
def retry(numbers: tuple[int, ...], everything: bool, config_file: Path, as_json: bool) -> int:
    """The command; see its help."""
    if bool(numbers) == everything:
        raise Failure("which", "请给出编号或 --all", "name records, or give --all")
    with opened_to_write(config_file) as agency:
        with agency.journal.read() as read:
            wanted = [row.id for row in read.parked()] if everything else list(dict.fromkeys(numbers))
            rows = {number: read.parked_record(number) for number in wanted}
        for number, row in rows.items():
            if row is None:  # before anything is tried: a slip of the hand changes nothing
                raise _unknown(number)
        answers = [_retry(agency, row) for row in rows.values() if row is not None]
    if as_json:
        print_json(answers)
    for answer in answers if not as_json else []:
        click.echo(f"{answer['id']} {say(answer['zh'], answer['en'])}")
    if not answers and not as_json:
        click.echo(say("没有搁置的记录。", "Nothing is parked."))
    return NO if any(answer["outcome"] == "still_parked" for answer in answers) else 0


_OUTCOME = {
    "taken_in": ("已收录", "taken in"),
    "came_again": ("同样的内容已另行收录", "the same has come in with another record"),
    "held": ("已收下，等待前序事件或升级", "accepted; it waits for what comes before it, or for an upgrade"),
}


def _retry(agency: "Agency", row: "ParkedRecord") -> dict[str, Any]:
    """Try one record; what happened, as a document."""
    from jiexu.case.event import Role
    from jiexu.service.intake import Intake
    from jiexu.service.logs import mask

    if row.settled is not None:
        return _answer(row, "settled_before", None, f"此前已处理（{row.settled}）", f"settled before ({row.settled})")
    intake = next((i for i in (Intake(agency, role) for role in Role) if i.topic == row.arrival.topic), None)
    if intake is None:
        zh, en = f"{row.arrival.topic} 不是本区的信箱", f"{row.arrival.topic} is no mailbox of this region"
        return _answer(row, "still_parked", row.code, zh, en)
    try:
        why = intake.retry(row.id)
    except LookupError:  # a service that runs beside has settled it in between: what it did stands below
        why = None
    if why is not None:
        return _answer(row, "still_parked", why.code, mask(f"仍搁置：{why.zh}"), mask(f"still parked: {why.en}"))
    with agency.journal.read() as read:
        now = read.parked_record(row.id)
    how = now.settled if now and now.settled else "taken_in"
    return _answer(row, how, None, *_OUTCOME.get(how, (how, how)))


def _answer(row: "ParkedRecord", outcome: str, code: str | None, zh: str, en: str) -> dict[str, Any]:
    return {"id": row.id, "outcome": outcome, "code": code, "zh": zh, "en": en}


def _unknown(number: int) -> Failure:
    return Failure(
        "unknown_record",
        f"没有搁置记录 {number}，请看 jiexu parked list --all",
        f"no record {number} is parked: see jiexu parked list --all",
        NO,
    )


def _settled(row: "ParkedRecord") -> str:
    if row.settled is None:
        return ""
    return say(*_OUTCOME.get(row.settled, (row.settled, row.settled)))


def _document(row: "ParkedRecord") -> dict[str, Any]:
    from jiexu.service.logs import mask

    return {
        "id": row.id,
        "code": row.code,
        "zh": mask(row.zh),
        "en": mask(row.en),
        "sender": row.sender,
        "topic": row.arrival.topic,
        "partition": row.arrival.partition,
        "offset": row.arrival.offset,
        "appended_at": row.arrival.appended_at.isoformat(),
        "parked_at": row.parked_at.isoformat(),
        "settled": row.settled,
    }


def _contents(data: bytes) -> dict[str, Any]:
    """What can be said of the bytes without showing them; of what cannot be read, only size and hash."""
    from hashlib import sha256

    from jiexu.contract.bundle import open_bundle
    from jiexu.contract.codec import open_event
    from jiexu.contract.errors import ContractError
    from jiexu.contract.records import record_kind

    kind: str | None = None
    events: list[dict[str, Any]] = []
    try:
        kind = record_kind(data)
        leaves = open_bundle(data).leaves if kind == "Bundle" else ()
        for leaf in leaves:
            if leaf.event is not None:
                event = open_event(leaf.event).event
                place = {"case": event.case_id, "hand": event.hand.value, "seq": event.seq, "type": event.type}
                events.append(place | {"hash": leaf.hash.hex()})
    except ContractError:
        pass  # unreadable: that may be why it is parked
    return {"kind": kind, "bytes": len(data), "sha256": sha256(data).hexdigest(), "events": events}


def _save(file: Path, data: bytes) -> None:
    # A new file, readable by its owner alone: the record may name people.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)


def _print(rows: "list[ParkedRecord]") -> None:
    from jiexu.cli.shown import beijing, print_table, said

    headings = (("编号", "ID"), ("原因", "why"), ("发送方", "sender"), ("搁置时间", "parked"), ("结果", "settled"))
    lines = [
        [str(row.id), f"{row.code} {said(row.zh, row.en)}", row.sender, beijing(row.parked_at), _settled(row)]
        for row in rows
    ]
    print_table(headings, lines)
