"""Probe of the exchange: reachable, the region's topics as they must be, its clock and ours together."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from jiexu.cli.finding import Finding, State, failed
from jiexu.cli.probe_journal import CLOCK_TOLERANCE

if TYPE_CHECKING:
    from jiexu.exchange.port import Exchange
    from jiexu.service.config import Config


def exchange(config: "Config", now: datetime) -> Iterator[Finding]:
    """Whether the exchange answers, and what it says of topics and time."""
    from jiexu.service.wiring import open_configured_exchange

    embedded = config.exchange.embedded
    # Opening would make the file: an empty exchange beside the one that the partners use.
    if embedded is not None and not config.path(embedded).is_file():
        path = config.path(embedded)
        zh, en = f"没有交换文件 {path}", f"there is no exchange file {path}"
        do_zh = f"核对 [exchange]；新建：jiexu topics create --exchange {path} --region {config.region}"
        do_en = f"check [exchange]; to make it: jiexu topics create --exchange {path} --region {config.region}"
        yield Finding("exchange", State.BAD, zh, en, do_zh, do_en)
        return
    with closing(open_configured_exchange(config)) as place:
        with closing(place.admin()) as admin:
            count = len(admin.topics())
        yield Finding("exchange", State.OK, f"可达，{count} 个主题", f"reachable, {count} topics")
        # Each by itself: a directory that cannot be read, or a missing ledger, hides nothing else.
        for name, probe in (("topics", _topics), ("clock", _clock), ("one_journal", _one_journal)):
            try:
                yield from probe(place, config, now)
            except Exception as error:
                yield failed(name, error)


def _topics(place: "Exchange", config: "Config", now: datetime) -> Iterator[Finding]:
    from jiexu.exchange.topics import check, region_topics
    from jiexu.region.directory.file import load_participants

    participants = load_participants(config.path(config.directory), config.directory_root)
    with closing(place.admin()) as admin:
        problems = check(admin, region_topics(config.region, participants.partitions(config.region)))
    for problem in problems:
        zh, en = f"{problem.topic}：{problem.zh}", f"{problem.topic}: {problem.en}"
        yield Finding("topics", State.BAD, zh, en, problem.do_zh, problem.do_en)
    if not problems:
        yield Finding("topics", State.OK, "符合要求", "as they must be")


def _clock(place: "Exchange", config: "Config", now: datetime) -> Iterator[Finding]:
    """Hold this machine's clock against the exchange's, by the last record of the own ledger.

    It was appended in the past, so an append time in the future means that our clock is behind. Its lines were
    recorded here before they were sent, so lines later than their append time mean that our clock is ahead.
    """
    from jiexu.contract.records import decode_record
    from jiexu.exchange.topics import Purpose, topic_name

    topic = topic_name(config.region, Purpose.LEDGER)
    end = place.end_offsets(topic).get(0, 0)
    if not end:
        return  # nothing was ever written here: nothing to compare
    records = list(place.read(topic, {0: end - 1}))
    if not records:
        return
    appended = records[-1].append_time
    recorded = max(line["recorded_at"] for line in decode_record(records[-1].value, "LedgerBatch")["records"])
    behind, ahead = appended - now, recorded - appended
    if behind > CLOCK_TOLERANCE:
        yield _wrong(
            f"本机时钟比交换慢约 {_short(behind)}", f"this machine's clock is {_short(behind)} behind the exchange's"
        )
    elif ahead > CLOCK_TOLERANCE:
        yield _wrong(
            f"本机时钟比交换快约 {_short(ahead)}", f"this machine's clock is {_short(ahead)} ahead of the exchange's"
        )
    else:
        yield Finding("clock", State.OK, "与交换的时间相符", "agrees with the exchange's")


def _one_journal(place: "Exchange", config: "Config", now: datetime) -> Iterator[Finding]:
    """Whether the ledger's last lines are this journal's own: else another journal lives, or lived, under one name."""
    from jiexu.audit.rebuild import ledger_tail
    from jiexu.journal.port import JournalConflict
    from jiexu.service.startup import hold_against
    from jiexu.service.wiring import open_configured_journal

    with closing(open_configured_journal(config)) as journal:
        try:
            tail = ledger_tail(place, config.region)
            with journal.read() as read:
                hold_against(read, tail)
        except JournalConflict as conflict:
            yield Finding("one_journal", State.BAD, conflict.zh, conflict.en)
            return
    if tail.lines:
        zh, en = f"末尾 {len(tail.lines)} 条与日志相同", f"its last {len(tail.lines)} lines are the journal's"
        yield Finding("one_journal", State.OK, zh, en)


def _wrong(zh: str, en: str) -> Finding:
    return Finding("clock", State.BAD, zh, en, "校准时钟（NTP），两边都看", "set the clock (NTP); look at both sides")


def _short(span: timedelta) -> str:
    return str(timedelta(seconds=round(span.total_seconds())))
