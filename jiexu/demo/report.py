"""What a run prints: the outcomes, one case drawn, the money account, and the proof."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from jiexu.case.words import STATUS, word
from jiexu.demo.desk import Office
from jiexu.demo.run import Result
from jiexu.demo.scenarios import SCENARIOS
from jiexu.service.views import render_timeline, timeline

# The case that is drawn: money that comes short has the most to show on both tracks.
DRAWN = "short"
MONEY_WORDS = (
    ("sent", "已划转", "sent"),
    ("credited", "已记入", "credited"),
    ("under_way", "在途", "under way"),
    ("returned", "已退回", "returned"),
    ("failed", "退汇", "failed"),
    ("short", "短款", "short"),
)

_DIFFERENCES_SHOWN = 50  # the JSON report has them all


def say(lang: str, zh: str, en: str) -> str:
    """The text in the language asked for."""
    return en if lang == "en" else zh


def print_result(console: Console, result: Result, lang: str) -> None:
    """Tables of outcomes and stories, the money account, the proof."""
    console.print(_outcomes(result, lang))
    console.print(_stories(result, lang))
    console.print(_money(result, lang))
    console.print(_proof(result, lang))
    differences = [*result.report.differences, *result.money.differences]
    for difference in differences[:_DIFFERENCES_SHOWN]:
        console.print(f"  ✗ {difference}", style="red")
    if more := len(differences[_DIFFERENCES_SHOWN:]):
        console.print(f"  … +{more}", style="red")


def print_timeline(console: Console, offices: Mapping[str, Office], result: Result, lang: str) -> None:
    """The drawn case's timeline, as its outbound agency sees it."""
    scenario = next(s for s in SCENARIOS if s.name == DRAWN)
    case_id = result.examples.get(DRAWN)
    if case_id is None:
        return
    console.rule(say(lang, f"一案始末：{scenario.zh}", f"one case from end to end: {scenario.en}"))
    console.print(render_timeline(timeline(offices[scenario.outbound].agency, case_id), lang))


def _outcomes(result: Result, lang: str) -> Table:
    title = f"{result.cases} 件业务，{result.events} 个事件，{result.seconds:.1f} 秒"
    table = Table(title=say(lang, title, f"{result.cases} cases, {result.events} events, {result.seconds:.1f} s"))
    table.add_column(say(lang, "结果", "outcome"))
    table.add_column(say(lang, "件数", "cases"), justify="right")
    for status, count in sorted(result.outcomes.items(), key=lambda item: -item[1]):
        table.add_row(word(STATUS, status).in_(lang), str(count))
    return table


def _stories(result: Result, lang: str) -> Table:
    table = Table(title=say(lang, "其中的情形", "stories among them"))
    table.add_column(say(lang, "情形", "story"))
    table.add_column(say(lang, "案号", "case"), style="dim")
    table.add_column(say(lang, "如期", "as expected"), justify="center")
    for scenario in SCENARIOS:
        good = result.scenarios[scenario.name]
        mark = "[green]✓[/]" if good else "[red]✗[/]"
        table.add_row(say(lang, scenario.zh, scenario.en), result.examples.get(scenario.name, "")[:12], mark)
    return table


def _money(result: Result, lang: str) -> Table:
    table = Table(title=say(lang, "资金账（元）", "the money account (yuan)"))
    for _, zh, en in MONEY_WORDS:
        table.add_column(say(lang, zh, en), justify="right")
    table.add_row(*(f"{getattr(result.money, word):,.2f}" for word, _, _ in MONEY_WORDS))
    zh = "已划转 = 已记入 + 在途 + 已退回 + 退汇 + 短款，每一事件之后、每一笔均成立，且与登记库和银行账一致"
    en = (
        "sent = credited + under way + returned + failed + short, per reference, after every event; "
        "equal to the registries' and the bank's books"
    )
    balanced = "[green]✓[/] " if result.money.balanced else "[red]✗[/] "
    table.caption = balanced + say(lang, zh, en)
    return table


def _proof(result: Result, lang: str) -> Table:
    table = Table(title=say(lang, "证明：三本日志从零重放", "the proof: three journals replayed from zero"))
    table.add_column(say(lang, "查验", "checked"))
    table.add_column("", justify="right")
    agree = result.report.journals_agree
    table.add_row(say(lang, "丢失", "lost"), str(result.report.lost))
    table.add_row(say(lang, "重复", "doubled"), str(result.report.doubled))
    table.add_row(say(lang, "搁置", "parked"), str(result.parked))
    table.add_row(say(lang, "两地状态一致", "states of every pair equal"), "[green]✓[/]" if agree else "[red]✗[/]")
    return table
