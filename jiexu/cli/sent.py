"""`jiexu sent`: what was sent, or is to be sent, and has no receipt yet; partners from whom nothing comes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jiexu.cli.errors import NO
from jiexu.cli.options import opened, with_config, with_json
from jiexu.cli.texts import language, print_json, say

if TYPE_CHECKING:
    from jiexu.case.event import Party
    from jiexu.journal.port import Reads, Unreceipted

_LINES_AT_ONCE = 2_000


@click.command(
    help="""尚无回执的事件：每一个“已发出”都须有“已收到”。没有回执的，会自动再发。

    Events without a receipt: every sent must meet a received. What has none is sent again by itself. A partner is
    silent if nothing at all came from it since the oldest event that is too old.

    \b
    例 Example:  jiexu sent --older-than 24 --json
    退出码为 1：有超过时限仍无回执的。Exit code 1: something is older than the limit.
    """
)
@click.option(
    "--older-than",
    "hours",
    type=click.FloatRange(min=0),
    default=24.0,
    show_default=True,
    help="小时，超过即为问题 hours after which it is a problem.",
)
@with_config
@with_json
def sent(hours: float, config_file: Path, as_json: bool) -> int:
    """The command; see its help."""
    with opened(config_file) as agency:
        now = agency.clock()
        with agency.journal.read() as read:
            waiting = read.unreceipted()
            late = [one for one in waiting if _hours(one, now) > hours]
            oldest: dict[Party, Unreceipted] = {}
            for one in late:
                oldest.setdefault(one.destination, one)
            heard = last_heard(read, {peer: one.position for peer, one in oldest.items()})
    partners = [
        {
            "partner": str(peer),
            "late": sum(one.destination == peer for one in late),
            "since": first.recorded_at.isoformat(),
            "heard_at": heard[peer].isoformat() if peer in heard else None,
            "silent": peer not in heard,
        }
        for peer, first in sorted(oldest.items(), key=lambda item: str(item[0]))
    ]
    if as_json:
        rows = [_document(one, now, hours) for one in waiting]
        print_json({"without_receipt": rows, "late": len(late), "limit_hours": hours, "partners": partners})
    elif not waiting:
        click.echo(say("每一个发出的事件都有回执。", "Every event that was sent has its receipt."))
    else:
        _print(waiting, late, now)
        _print_partners(oldest, heard)
        if any(one.times == 0 for one in late):
            click.echo(
                say(
                    "有的尚未发出：本方服务是否运行、交换是否可达？请运行 jiexu doctor。",
                    "Some were not sent yet: does our service run, is the exchange reachable? Run jiexu doctor.",
                )
            )
    return NO if late else 0


def last_heard(read: "Reads", since: Mapping["Party", int]) -> dict["Party", datetime]:
    """When something last came from each party, a bundle or a receipt; absent where nothing came after its position.

    Reads the log from its end backwards and stops as soon as all have been heard, so a lively partner costs little.
    """
    from jiexu.contract.codec import decode_event_trusted
    from jiexu.journal.log_records import decode_line
    from jiexu.journal.port import NewBundle, ReceiptRow

    heard: dict[Party, datetime] = {}
    end = read.last_position()
    while end > 0 and (open_ones := {peer: start for peer, start in since.items() if peer not in heard}):
        after = max(end - _LINES_AT_ONCE, min(open_ones.values()))
        if after >= end:
            break
        for line in reversed(read.log(after, end - after)):
            if line.kind not in ("bundle", "receipt"):
                continue
            said = decode_line(line.kind, line.payload, decode_event_trusted)
            peer = None
            if isinstance(said, NewBundle) and said.arrival is not None:
                peer = said.issuer
            elif isinstance(said, ReceiptRow) and not said.given:
                peer = said.peer
            if peer in open_ones and line.position > open_ones[peer]:
                heard.setdefault(peer, line.recorded_at)
        end = after
    return heard


def _hours(one: "Unreceipted", now: datetime) -> float:
    return (now - one.recorded_at).total_seconds() / 3600


def _document(one: "Unreceipted", now: datetime, limit: float) -> dict[str, Any]:
    return {
        "case": one.case_id,
        "hand": one.hand.value,
        "seq": one.seq,
        "type": one.type,
        "to": str(one.destination),
        "recorded_at": one.recorded_at.isoformat(),
        "last_sent_at": one.last_sent_at.isoformat() if one.last_sent_at else None,
        "times": one.times,
        "hours": round(_hours(one, now), 2),
        "late": _hours(one, now) > limit,
    }


def _print(waiting: Sequence["Unreceipted"], late: Sequence["Unreceipted"], now: datetime) -> None:
    from jiexu.case.words import EVENT, word
    from jiexu.cli.shown import beijing, print_table

    headings = (
        ("案件", "case"),
        ("事件", "event"),
        ("发往", "to"),
        ("已等小时", "hours"),
        ("已发次数", "times sent"),
        ("最近一次", "last sent"),
    )
    overdue = {one.position for one in late}
    lines = [
        [
            one.case_id[:12],
            f"{word(EVENT, one.type).in_(language())} #{one.seq}",
            str(one.destination),
            f"{_hours(one, now):.1f}{' !' if one.position in overdue else ''}",
            str(one.times),
            beijing(one.last_sent_at) if one.last_sent_at else say("尚未", "not yet"),
        ]
        for one in waiting
    ]
    print_table(headings, lines)


def _print_partners(oldest: Mapping["Party", "Unreceipted"], heard: Mapping["Party", datetime]) -> None:
    from jiexu.cli.shown import beijing

    for peer, first in sorted(oldest.items(), key=lambda item: str(item[0])):
        if peer in heard:
            at = beijing(heard[peer])
            zh = f"{peer} 仍有来函（最近 {at}），但有超时未回执的；请与对方核对是否搁置。"
            en = f"{peer} is alive (last heard {at}), but owes receipts: ask whether it has parked them."
        else:
            at = beijing(first.recorded_at)
            zh = f"{peer} 自 {at} 起没有任何来函；请电话联系其信息科，并看其服务是否运行。"
            en = f"{peer} is silent: nothing came from it since {at}. Call its engineers: is its service running?"
        click.echo(say(zh, en))
