"""`jiexu sent`: what was sent, or is to be sent, and has no receipt yet; partners that are silent."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from jiexu.cli.errors import NO
from jiexu.cli.options import opened, with_config, with_json
from jiexu.cli.texts import language, print_json, say


@click.command(
    help="""尚无回执的事件：每一个“已发出”都须有“已收到”。没有回执的，会自动再发。

    Events without a receipt: every sent must meet a received. What has none is sent again by itself.

    \b
    例 Example:  jiexu sent --older-than 24 --json
    退出码为 1：有超过时限仍无回执的。Exit code 1: something is older than the limit.
    """
)
@click.option("--older-than", "hours", default=24.0, show_default=True, help="小时 hours after which it is a problem.")
@with_config
@with_json
def sent(hours: float, config_file: Path, as_json: bool) -> int:
    """The command; see its help."""
    from jiexu.case.words import EVENT, word

    with opened(config_file) as agency:
        now = agency.clock()
        with agency.journal.read() as read:
            waiting = read.unreceipted()
    rows = [
        {
            "case": one.case_id,
            "hand": one.hand.value,
            "seq": one.seq,
            "type": one.type,
            "to": str(one.destination),
            "recorded_at": one.recorded_at.isoformat(),
            "last_sent_at": one.last_sent_at.isoformat() if one.last_sent_at else None,
            "times": one.times,
            "hours": round((now - one.recorded_at).total_seconds() / 3600, 2),
        }
        for one in waiting
    ]
    late = [row for row in rows if float(str(row["hours"])) > hours]
    silent = sorted({str(row["to"]) for row in late})
    if as_json:
        print_json({"without_receipt": rows, "late": len(late), "silent_partners": silent})
        return NO if late else 0
    if not rows:
        click.echo(say("每一个发出的事件都有回执。", "Every event that was sent has its receipt."))
        return 0
    table = Table()
    for zh, en in (("案件", "case"), ("事件", "event"), ("发往", "to"), ("已发次数", "times"), ("已等小时", "hours")):
        table.add_column(say(zh, en))
    for row in rows:
        name = word(EVENT, str(row["type"])).in_(language())
        table.add_row(
            str(row["case"])[:12], f"{name} #{row['seq']}", str(row["to"]), str(row["times"]), str(row["hours"])
        )
    Console().print(table)
    if silent:
        names = "、".join(silent)
        click.echo(
            say(
                f"无回音的对方：{names}。请电话联系其信息科，并看其服务是否运行。",
                f"silent partners: {names}. Call their engineers: is their service running?",
            )
        )
    return NO if late else 0
