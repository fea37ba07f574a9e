"""`jiexu audit export` and `check`: the evidence of one case, made and checked."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jiexu.cli.errors import NO, Failure
from jiexu.cli.options import case_id_of, opened, with_config, with_json
from jiexu.cli.texts import language, print_json, say

if TYPE_CHECKING:
    from jiexu.audit.evidence_check import EvidenceReport, ProvedEvent

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    help="""导出一案的证据文件：原始签名记录、回执，可离线核验；不宜给出的个人信息可保留。

    Write the evidence of one case: signed records and receipts, to be checked offline, personal fields withheld.

    \b
    --withhold 可重复：字段路径（person.name）、其下全部（person），或 '*' 全部。
    例 Example:  jiexu audit export 01a20cf2ee29 --out ./evidence.zip --withhold person
    """
)
@click.argument("case")
@click.option("--out", "target", type=_FILE, required=True, help="新文件 a new file.")
@click.option("--withhold", "withhold", multiple=True, metavar="FIELD", help="保留的字段 a field to keep back.")
@with_config
@with_json
def export(case: str, target: Path, withhold: tuple[str, ...], config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    from jiexu.audit.evidence import export_case

    if target.exists():
        raise Failure("exists", f"{target} 已存在，不会覆盖", f"{target} exists and is not written over")
    with opened(config_file) as agency:
        case_id = case_id_of(agency, case)
        done = export_case(agency.journal, case_id, target, exported_at=agency.clock(), withhold=withhold)
    if as_json:
        document = {
            "file": str(target),
            "case": done.case_id,
            "events": done.events,
            "values_given": done.given,
            "withheld": list(done.withheld),
            "erased": list(done.erased),
        }
        print_json(document)
        return
    click.echo(
        say(
            f"已写 {target}：{done.events} 个事件；个人信息给出 {done.given} 项，保留 {len(done.withheld)} 项",
            f"{target}: {done.events} events; {done.given} personal values given, {len(done.withheld)} withheld",
        )
    )
    if done.given:
        click.echo(
            say("文件含个人信息，请按规定保管。", "It holds personal values: keep it as the rules for those say."),
            err=True,
        )


@click.command(
    help="""离线核验一份证据文件：签名、链接、个人信息、有效性、回执。不需要任何统筹区的配置。

    Check an evidence file offline, by the directory and its root's key alone; no region's configuration is needed.

    \b
    例 Example:  jiexu audit check ./evidence.zip --directory ./directory.json --root 'Base64…='
    """
)
@click.argument("file", type=_FILE)
@click.option("--directory", "directory", type=_FILE, required=True, help="目录文件 the signed directory.")
@click.option("--root", required=True, help="目录根公钥 the directory's root key (base64).")
@with_json
def check(file: Path, directory: Path, root: str, as_json: bool) -> int:
    """The command; see its help."""
    from jiexu.audit.evidence_check import verify_file
    from jiexu.region.directory.file import load_participants

    report = verify_file(file, load_participants(directory, root))
    if as_json:
        print_json(_document(report))
    else:
        _print(report)
    return 0 if report.sound else NO


def _document(report: "EvidenceReport") -> dict[str, Any]:
    contents = report.contents
    return {
        "case": contents.case_id,
        "exported_by": contents.region,
        "exported_at": contents.exported_at.isoformat(),
        "status": report.status,
        "state": report.state_hash,
        "sound": report.sound,
        "problems": report.problems,
        "events": [_event(proved) for proved in report.events],
        "receipts": [
            {
                "of": one.of,
                "hand": one.hand.value,
                "seq": one.seq,
                "arrived_at": one.arrived_at.isoformat(),
                "recorded_at": one.recorded_at.isoformat(),
            }
            for one in report.receipts
        ],
    }


def _event(proved: "ProvedEvent") -> dict[str, Any]:
    event = proved.event
    return {
        "hand": event.hand.value,
        "seq": event.seq,
        "type": event.type,
        "attested": event.hand.attested,
        "void": proved.void,
        "occurred_at": event.occurred_at.isoformat(),
        "recorded_at": proved.recorded_at.isoformat(),
        "signed_by": proved.signed_by,
        "key": proved.key_id,
        "hash": event.hash.hex(),
        "values": proved.values,
        "withheld": list(proved.withheld),
    }


def _print(report: "EvidenceReport") -> None:
    from jiexu.case.words import EVENT, STATUS, word

    lang, contents = language(), report.contents
    head = say(f"案号 {contents.case_id}，{contents.region} 出具", f"case {contents.case_id}, by {contents.region}")
    status = word(STATUS, report.status)
    click.echo(f"{head}  {status.zh if lang == 'zh' else status.en}")
    for proved in report.events:
        event = proved.event
        name = word(EVENT, event.type)
        notes = [proved.signed_by, f"{event.occurred_at:%Y-%m-%d %H:%M} UTC"]
        notes += [say("无效", "void")] if proved.void else []
        notes += [say("代录，未经对方确认", "attested, not confirmed")] if event.hand.attested else []
        notes += [say(f"保留 {len(proved.withheld)} 项", f"{len(proved.withheld)} withheld")] if proved.withheld else []
        click.echo(f"  {event.hand.value} {event.seq}  {name.zh if lang == 'zh' else name.en}  {'  '.join(notes)}")
        for field, value in proved.values.items():
            click.echo(_plain(f"      {field}: {value}"))
    click.echo(
        say(
            f"回执 {len(report.receipts)} 份；{'全部成立' if report.sound else '有问题'}",
            f"{len(report.receipts)} receipts; {'everything holds' if report.sound else 'problems were found'}",
        )
    )
    _print_problems(report.problems)


def _print_problems(problems: list[str]) -> None:
    for problem in problems:
        click.echo(_plain(f"  ✗ {problem}"))


def _plain(text: str) -> str:
    """What others wrote, without what a terminal would obey."""
    return "".join(c if c.isprintable() else "·" for c in text)
