"""`jiexu parked`: records that could not be placed. `jiexu todo`: what waits for a person."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from jiexu.cli.errors import NO, Failure
from jiexu.cli.options import opened, with_config, with_json
from jiexu.cli.texts import language, print_json, say


@click.group(help="搁置的记录：不影响其他业务，原因消除后可重试。Records that could not be placed; they block nothing.")
def parked() -> None:
    """The group; see its help."""


@parked.command("list", help="列出搁置的记录及原因。Records that are parked, and why.")
@click.option("--all", "everything", is_flag=True, help="含已处理的 settled ones too.")
@with_config
@with_json
def list_parked(everything: bool, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    with opened(config_file) as agency, agency.journal.read() as read:
        rows = read.parked() + (read.parked(settled=True) if everything else [])
    if as_json:
        print_json(
            [
                {
                    "id": row.id,
                    "code": row.code,
                    "zh": row.zh,
                    "en": row.en,
                    "sender": row.sender,
                    "topic": row.arrival.topic,
                    "partition": row.arrival.partition,
                    "offset": row.arrival.offset,
                    "parked_at": row.parked_at.isoformat(),
                    "settled": row.settled,
                }
                for row in rows
            ]
        )
        return
    if not rows:
        click.echo(say("没有搁置的记录。", "Nothing is parked."))
        return
    table = Table()
    for zh, en in (("编号", "id"), ("原因", "why"), ("来自", "from"), ("时间", "when"), ("处理", "settled")):
        table.add_column(say(zh, en))
    for row in rows:
        why = f"{row.code} {say(row.zh, row.en)}"
        table.add_row(str(row.id), why, row.sender, f"{row.parked_at:%Y-%m-%d %H:%M}", row.settled or "")
    Console().print(table)
    click.echo(say("原因消除后：jiexu parked retry 编号", "Once the cause is cured: jiexu parked retry ID"))


@parked.command(help="一条搁置记录的原因与原始字节。One parked record: why, and its raw bytes.")
@click.argument("id", type=int)
@with_config
@with_json
def show(id: int, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    with opened(config_file) as agency, agency.journal.read() as read:
        row = read.parked_record(id)
    if row is None:
        raise Failure("unknown_record", f"没有搁置记录 {id}", f"no record {id} is parked", NO)
    if as_json:
        print_json({"id": row.id, "code": row.code, "zh": row.zh, "en": row.en, "bytes": row.bytes.hex()})
        return
    click.echo(f"{row.code} {say(row.zh, row.en)}")
    click.echo(f"{row.arrival.topic}[{row.arrival.partition}]@{row.arrival.offset} {row.sender} {row.parked_at}")
    click.echo(row.bytes.hex())


@parked.command(help="重试：原因消除后再次收录，与正常收录走同一条路。Try again, by the same way as any record.")
@click.argument("ids", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="全部重试 all of them.")
@with_config
@with_json
def retry(ids: tuple[int, ...], everything: bool, config_file: Path, as_json: bool) -> int:
    """The command; see its help."""
    from jiexu.case.event import Role
    from jiexu.service.intake import Intake
    from jiexu.service.opening import Unplaceable

    if not ids and not everything:
        raise Failure("which", "请给出编号或 --all", "name records, or --all")
    answers: list[tuple[int, Unplaceable | None]] = []
    with opened(config_file) as agency:
        with agency.journal.read() as read:
            rows = [row for row in read.parked() if everything or row.id in ids]
        for missing in sorted(set(ids) - {row.id for row in rows}):
            raise Failure("unknown_record", f"没有搁置记录 {missing}", f"no record {missing} is parked", NO)
        intakes = {intake.topic: intake for intake in (Intake(agency, role) for role in Role)}
        for row in rows:
            why = intakes[row.arrival.topic].retry(row.id)
            answers.append((row.id, why))
    if as_json:
        print_json([{"id": id, "taken_in": why is None, "code": why.code if why else None} for id, why in answers])
    for id, why in answers if not as_json else []:
        text = say("已收录", "taken in") if why is None else say(f"仍搁置：{why.zh}", f"still parked: {why.en}")
        click.echo(f"{id} {text}")
    return 0 if all(why is None for _, why in answers) else NO


@click.group(help="等人处理的事项：告警，以及自动办理中停下的。What waits for a person: alarms and failed items.")
def todo() -> None:
    """The group; see its help."""


@todo.command("list", help="列出事项。The items.")
@click.option("--all", "everything", is_flag=True, help="含已处理的 cleared ones too.")
@with_config
@with_json
def list_todo(everything: bool, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    with opened(config_file) as agency, agency.journal.read() as read:
        rows = read.todos() + (read.todos(cleared=True) if everything else [])
    if as_json:
        print_json(
            [
                {
                    "id": row.id,
                    "kind": row.kind,
                    "code": row.code,
                    "case": row.case_id,
                    "zh": row.zh,
                    "en": row.en,
                    "raised_at": row.raised_at.isoformat(),
                    "cleared_at": row.cleared_at.isoformat() if row.cleared_at else None,
                }
                for row in rows
            ]
        )
        return
    if not rows:
        click.echo(say("没有等人处理的事项。", "Nothing waits for a person."))
    for row in rows:
        mark = "✓" if row.cleared_at else "!" if row.kind == "alarm" else "·"
        text = row.en if language() == "en" else row.zh
        click.echo(f"{mark} {row.id} {row.code} {row.case_id or ''} {text}")


@todo.command(help="登记已处理。Mark an item as dealt with.")
@click.argument("id", type=int)
@click.option("--by", required=True, help="工号 staff number.")
@with_config
def clear(id: int, by: str, config_file: Path) -> None:
    """The command; see its help."""
    with opened(config_file) as agency, agency.journal.write() as write:
        row = next((one for one in write.todos() if one.id == id), None)
        if row is None:
            raise Failure("unknown_item", f"没有待处理事项 {id}", f"no item {id} waits", NO)
        write.clear_todo(id)
        if row.case_id is not None:
            write.put_on_agenda([row.case_id])
    click.echo(say(f"事项 {id} 已由 {by} 处理", f"item {id} was dealt with by {by}"))
