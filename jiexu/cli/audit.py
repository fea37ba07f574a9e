"""`jiexu audit`: replay a journal, verify its signatures, compare several journals, rebuild one from the ledger."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress

from jiexu.cli.errors import NO, Failure
from jiexu.cli.evidence import check, export
from jiexu.cli.options import configuration, opened, with_config, with_json
from jiexu.cli.texts import language, print_json, say

if TYPE_CHECKING:
    from jiexu.region.registry.bank import ReferenceBook
    from jiexu.service.agency import Agency

_SHOWN = 50  # problems on a screen; JSON has them all


@click.group(help="审计：重放、验签、比对、从账本重建。Replay, verify, compare, rebuild.")
def audit() -> None:
    """The group; see its help."""


@contextmanager
def _bar(zh: str, en: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, taken away when the work ends."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(say(zh, en), total=None)
        yield lambda at, total: progress.update(task, completed=at, total=max(total, 1))


def _show_problems(problems: Sequence[str]) -> None:
    for problem in problems[:_SHOWN]:
        click.echo(f"  ✗ {problem}")
    if more := len(problems[_SHOWN:]):
        click.echo(say(f"  … 另有 {more} 个，见 --json", f"  … and {more} more: --json has them all"))


@audit.command(
    help="""从零重放本区日志：逐条核对哈希、链接与有效性，得出每件的状态。

    Replay this region's journal from zero: every hash, link and verdict is checked on the way.

    \b
    例 Example:  jiexu audit replay --config ./xian/region.toml --json
    """
)
@with_config
@with_json
def replay(config_file: Path, as_json: bool) -> int:
    """The command; see its help."""
    from jiexu.audit.replay import replay_journal

    with opened(config_file) as agency, _bar("重放", "replaying") as progress:
        done = replay_journal(agency.journal, progress)
    cases = [
        {"case": case_id, "status": case.status, "events": case.events, "void": case.void, "state": case.state_hash}
        for case_id, case in done.cases.items()
    ]
    if as_json:
        print_json({"region": done.region, "events": done.events, "problems": done.problems, "cases": cases})
    else:
        click.echo(
            say(
                f"{done.region}：{done.events} 个事件，{len(cases)} 件，问题 {len(done.problems)} 个",
                f"{done.region}: {done.events} events, {len(cases)} cases, {len(done.problems)} problems",
            )
        )
        _show_problems(done.problems)
    return NO if done.problems else 0


@audit.command(
    help="""逐一重新验证日志所存的签名、模式、回执与个人信息摘要；密钥以记录时刻为准。

    Prove every signature that the journal keeps again: bundles, schemas, receipts, digests of personal values. Keys are
    judged by the time of recording.

    \b
    例 Example:  jiexu audit verify --config ./xian/region.toml
    """
)
@with_config
@with_json
def verify(config_file: Path, as_json: bool) -> int:
    """The command; see its help."""
    from jiexu.audit.verify import verify_journal

    with opened(config_file) as agency, _bar("验签", "verifying") as progress:
        problems = verify_journal(agency.journal, agency.participants, progress)
        region = agency.region
    if as_json:
        print_json({"region": region, "verified": not problems, "problems": problems})
    elif problems:
        click.echo(say(f"{region}：问题 {len(problems)} 个", f"{region}: {len(problems)} problems"))
        _show_problems(problems)
    else:
        click.echo(say(f"{region}：所有签名与摘要均成立", f"{region}: every signature and digest holds"))
    return NO if problems else 0


@audit.command(
    help="""比对几本日志：共有的每一件，事件与状态须完全相同；资金账须与登记库及银行的账册一致。
    请在各区已处理完毕时比对：在途的事件会显示为对方缺失。

    Compare journals: every case that two of them share must hold the same events; money is held against the registries'
    and the bank's books. Compare when the regions are at rest: an event on its way is one that the other side has not.

    \b
    例 Example:  jiexu audit compare ./xian/region.toml ./wenzhou/region.toml
    """
)
@click.argument("configs", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@with_json
def compare(configs: tuple[Path, ...], as_json: bool) -> int:
    """The command; see its help."""
    from jiexu.audit.compare import compare_all
    from jiexu.audit.money import money_of
    from jiexu.audit.replay import replay_journal
    from jiexu.case.words import MONEY

    with ExitStack() as stack:
        agencies: dict[str, Agency] = {}
        for file in configs:
            agency = stack.enter_context(opened(file))
            agencies[agency.region] = agency
        if len(agencies) < 2:
            raise Failure("which", "请给出两个以上统筹区的配置文件", "name the configurations of two regions or more")
        replayed = {}
        for region, agency in agencies.items():
            with _bar(f"重放 {region}", f"replaying {region}") as progress:
                replayed[region] = replay_journal(agency.journal, progress)
        report = compare_all(replayed)
        money = money_of(
            replayed,
            {region: agency.journal for region, agency in agencies.items()},
            {region: agency.platform for region, agency in agencies.items()},
            _bank_book(agencies),
        )
    words = ("sent", "credited", "under_way", "returned", "failed", "short")
    document: dict[str, Any] = {
        "cases": report.cases,
        "events": report.events,
        "lost": report.lost,
        "doubled": report.doubled,
        "awaiting_receipt": report.awaiting_receipt,
        "journals_agree": report.journals_agree,
        "money": {**{word: f"{getattr(money, word):.2f}" for word in words}, "balanced": money.balanced},
        "differences": [*report.differences, *money.differences],
    }
    if as_json:
        print_json(document)
    else:
        click.echo(
            say(
                f"{report.cases} 件，{report.events} 个事件；丢失 {report.lost}，重复 {report.doubled}",
                f"{report.cases} cases, {report.events} events; {report.lost} lost, {report.doubled} doubled",
            )
        )
        if report.awaiting_receipt:
            click.echo(
                say(
                    f"另有 {report.awaiting_receipt} 个事件在途，尚无回执；银行账的差异可能由此而来，到齐后再比",
                    f"{report.awaiting_receipt} more events are on their way without a receipt; the bank's book may "
                    "differ by them: compare again when they are there",
                )
            )
        click.echo("  ".join(f"{MONEY[word].in_(language())} {document['money'][word]}" for word in words))
        _show_problems(document["differences"])
    return 0 if report.journals_agree and money.balanced else NO


def _bank_book(agencies: Mapping[str, "Agency"]) -> dict[str, "ReferenceBook"]:
    """What the bank has of what these regions sent: others, whose journals are not here, may share its file."""
    from jiexu.region.registry import Bank

    books = [agency.platform.book_of_references() for agency in agencies.values()]
    known = {reference for book in books for reference, words in book.items() if words["sent"]}
    found: dict[str, ReferenceBook] = {}
    for file in {agency.config.path(agency.config.platform.bank) for agency in agencies.values()}:
        bank = Bank(file)
        try:
            book = bank.book(datetime.now(UTC))
        finally:
            bank.close()
        found |= {reference: book[reference] for reference in known & book.keys()}
    return found


@audit.command(
    help="""从账本主题重建日志，逐字节相同。写到新文件；服务下次启动时补全其余。日志在 PostgreSQL 的，再用
    jiexu journal restore 把该文件放进去。

    Make a journal from the ledger topic, byte for byte, in a new file; a service derives the rest at its next start.
    Where the journal is in PostgreSQL, jiexu journal restore puts that file there.

    \b
    例 Example:  jiexu audit rebuild --config ./xian/region.toml --to ./journal-rebuilt.db
    """
)
@click.option("--to", "target", type=click.Path(path_type=Path, dir_okay=False), required=True, help="新文件 new file.")
@with_config
@with_json
def rebuild(target: Path, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    from jiexu.audit.rebuild import rebuild as rebuild_journal
    from jiexu.service.wiring import open_configured_exchange

    config = configuration(config_file)
    if target.exists():
        raise Failure("exists", f"{target} 已存在，不会覆盖", f"{target} exists and is not written over")
    exchange = open_configured_exchange(config)
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(say("重建", "rebuilding"), total=None)
            report = rebuild_journal(target, config.region, exchange, lambda at: progress.update(task, completed=at))
    finally:
        exchange.close()
    if as_json:
        print_json({"file": str(target), "lines": report.lines, "last_position": report.last_position})
    else:
        click.echo(say(f"已重建 {report.lines} 条到 {target}", f"{report.lines} lines rebuilt into {target}"))


audit.add_command(export)
audit.add_command(check)
