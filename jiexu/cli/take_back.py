"""`jiexu journal take-back`: events of ours that only partners have any more, put back into the journal."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jiexu.cli.errors import NO
from jiexu.cli.options import opened_to_write, with_config, with_json
from jiexu.cli.texts import print_json, say
from jiexu.cli.values import STAFF

if TYPE_CHECKING:
    from jiexu.service.agency import Agency
    from jiexu.service.taking_back import TakenBack


@click.command(
    "take-back",
    help="""取回：日志与账本同时丢失后，把只有对方还掌握的本方事件放回日志，案件随即继续办理。文件由对方导出
    （jiexu audit export，不要保留个人信息），每案一份；先核验，再与本地核对。对方自己的事件不从文件取，
    由对方经信箱补发。服务不必停；可重复执行。

    After journal and ledger were lost together: put events of ours that only the partner has back into the journal, and
    the case goes on. The partner makes a file of each case (jiexu audit export, nothing withheld). It is checked, and
    held against what stands here. The partner's own events are not taken from it: they come through the mailbox, and
    where ours rest on them, run it again when they have come. Services may run; doing it twice changes nothing.

    \b
    例 Example:  jiexu journal take-back ./case-*.zip --by D0117 --config ./xian/region.toml
    退出码为 1：有文件未采用，或案件仍在等待。Exit code 1: a file was refused, or a case still waits.
    """,
)
@click.argument("files", metavar="FILE…", type=click.Path(path_type=Path, dir_okay=False, exists=True), nargs=-1)
@click.option("--by", type=STAFF, required=True, help="工号 staff number.")
@with_config
@with_json
def take_back(files: tuple[Path, ...], by: str, config_file: Path, as_json: bool) -> int:
    """The command; see its help."""
    if not files:
        raise click.MissingParameter(param_type="argument", param_hint="FILE")
    answers = []
    with opened_to_write(config_file) as agency:
        for file in files:
            answers.append(_one(agency, file, by))
            if not as_json:
                _show(answers[-1])
    if as_json:
        print_json(answers)
    return 0 if all(answer["outcome"] in ("taken_back", "nothing_missing") for answer in answers) else NO


def _one(agency: "Agency", file: Path, by: str) -> dict[str, Any]:
    """What came of one file, as a document; a file that is refused keeps the others from nothing."""
    from jiexu.audit.evidence_file import EvidenceError
    from jiexu.service.taking_back import TakeBackRefused
    from jiexu.service.taking_back import take_back as take

    try:
        done = take(agency, file, by)
    except (EvidenceError, TakeBackRefused) as refused:
        return {"file": str(file), "outcome": "refused", "code": refused.code, "zh": refused.zh, "en": refused.en}
    outcome = "waits" if not done.complete else "taken_back" if done.taken or done.values else "nothing_missing"
    zh, en = _sentences(done)
    return {
        "file": str(file),
        "outcome": outcome,
        "case": done.case_id,
        "exported_by": done.exported_by,
        "taken": list(done.taken),
        "values": done.values,
        "missing": list(done.missing),
        "waits_for": done.waits_for,
        "withheld": list(done.withheld),
        "alarms_cleared": done.alarms_cleared,
        "alarms_left": done.alarms_left,
        "zh": zh,
        "en": en,
    }


def _sentences(done: "TakenBack") -> tuple[str, str]:
    zh = f"{done.case_id}：取回 {len(done.taken)} 个本方事件（{_listed(done.taken)}），个人信息 {done.values} 项"
    en = f"{done.case_id}: {len(done.taken)} events of ours came back ({_listed(done.taken)}), {done.values} values"
    if not done.taken:
        zh = f"{done.case_id}：本方事件不缺" if not done.missing else f"{done.case_id}：本次无可取回"
        en = f"{done.case_id}: " + ("none of our events is missing" if not done.missing else "nothing could be taken")
    if done.waits_for and not done.missing:
        zh += "；本地没有此案，已函询对方，由其补送"
        en += "; the case is not here, its partner was asked and sends its own events again"
    elif done.missing:
        zh += f"；尚缺 {_listed(done.missing)}，等对方的 {done.waits_for} 经信箱补到后请再执行一次"
        en += f"; {_listed(done.missing)} wait for the partner's {done.waits_for}: run it again when that has come"
    elif done.alarms_left:
        zh += f"；仍有 {done.alarms_left} 条告警：对方掌握的比此文件多，请对方重新导出"
        en += f"; {done.alarms_left} alarms still stand: the partner knows more than this file, have it made anew"
    elif done.alarms_cleared:
        zh += f"；{done.alarms_cleared} 条告警已消除，案件继续办理"
        en += f"; {done.alarms_cleared} alarms are cleared, the case goes on"
    if done.withheld:
        zh += f"。文件保留了个人信息 {len(done.withheld)} 项（{_listed(done.withheld)}），请对方完整导出后再执行一次"
        en += f". {len(done.withheld)} personal values are withheld ({_listed(done.withheld)}): have it made with them"
    return zh, en


def _listed(names: Sequence[str]) -> str:
    return "、".join(names) if len(names) <= 6 else f"{names[0]} … {names[-1]}"


def _show(answer: dict[str, Any]) -> None:
    mark = {"refused": "✗", "waits": "…"}.get(answer["outcome"], "✓")
    click.echo(f"{mark} {say(answer['zh'], answer['en'])}")
