"""The views drawn for the terminal with rich: at 80 to 120 columns, Chinese characters two cells wide."""

from collections.abc import Sequence
from decimal import Decimal

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from jiexu.case.words import MONEY, ROLE, TRACK
from jiexu.service.agency import BEIJING
from jiexu.service.case_view import CaseView, TrackView
from jiexu.service.clocks import ClockView
from jiexu.service.lanes import Lanes, due_sentence
from jiexu.service.money_view import SUBTRACTED, MoneyView
from jiexu.service.timeline import Timeline
from jiexu.service.worklist import WorkItem

_LATE, _SOON = "bold red", "yellow"


def render_timeline(timeline: Timeline, lang: str = "zh") -> RenderableType:
    """The timeline in two lanes."""
    return Lanes(timeline, lang)


# --- one case


def render_case(view: CaseView, lang: str = "zh") -> RenderableType:
    """One case: who and where, both tracks, the money, and what is open."""
    draw = _Draw(lang)
    parts: list[RenderableType] = [draw.head(view), draw.tracks(view)]
    if view.money is not None:
        parts += draw.money(view.money)
    parts += draw.open_points(view)
    title = Text.assemble((draw.say("案件 ", "Case "), "bold"), view.case_id)
    return Panel(Group(*parts), title=title, title_align="left", box=box.ROUNDED, padding=(0, 1))


class _Draw:
    """The parts of a case in one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def say(self, zh: str, en: str) -> str:
        return en if self.lang == "en" else zh

    def aside(self, text: str) -> str:
        """In brackets, as the language writes them."""
        return f" ({text})" if self.lang == "en" else f"（{text}）"

    def head(self, view: CaseView) -> RenderableType:
        lang = self.lang
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column()
        grid.add_row(self.say("状态", "status"), Text(view.status_word.in_(lang), "bold"))
        grid.add_row(self.say("参保人", "person"), view.person.in_(lang))
        for role, place in view.parties.items():
            marks = [self.say("本地", "us")] if role is view.us else []
            marks += [self.say("受理申请", "lodged here")] if role is view.lodger else []
            mark = self.aside("，".join(marks) if lang != "en" else ", ".join(marks)) if marks else ""
            grid.add_row(ROLE[role].in_(lang), f"{place.name.in_(lang)} {place.region}{mark}")
        schemes = f"{view.from_scheme.in_(lang)} → {view.to_scheme.in_(lang)}"
        applied = self.say(
            f"{view.applied_on} {view.applicant.zh}申请", f"applied for by {view.applicant.en} on {view.applied_on}"
        )
        grid.add_row(self.say("险种", "schemes"), f"{schemes}{self.aside(view.procedure.in_(lang))}  {applied}")
        for ground in view.grounds:
            text = f"  “{ground.text.in_(lang)}”" if ground.text else ""
            code = f"{ground.code} " if ground.code.isupper() else ""
            grid.add_row(self.say("原因", "ground"), f"{code}{ground.word.in_(lang)}{text}")
        if view.forwarded_from:
            grid.add_row(self.say("转自", "from"), view.forwarded_from)
        if view.forwarded_to:
            anew = f" → {view.anew}" if view.anew else ""
            grid.add_row(self.say("转往", "forwarded to"), f"{view.forwarded_to.in_(lang)}{anew}")
        return grid

    def tracks(self, view: CaseView) -> RenderableType:
        table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1), show_edge=False)
        table.add_column(self.say("轨道", "track"), no_wrap=True)
        table.add_column(self.say("现状", "state"), ratio=2, overflow="fold")
        table.add_column(self.say("由谁办", "holder"), ratio=2, overflow="fold")
        table.add_column(self.say("事项", "what is due"), ratio=3, overflow="fold")
        table.add_column(self.say("期限", "due"), no_wrap=True)
        for track in (view.relation, view.money_track):
            table.add_row(*self._track(track))
        for clock in view.running:
            name = self.say("  法定", "  statutory")
            table.add_row(name, self.say("继续计时", "runs on"), *self._clock(clock), style="dim")
        return table

    def _track(self, track: TrackView) -> list[RenderableType]:
        name = Text(TRACK[track.track].in_(self.lang), "bold")
        if track.clock is None:
            return [name, track.word.in_(self.lang), self.say("无待办", "nobody"), "", ""]
        return [name, track.word.in_(self.lang), *self._clock(track.clock)]

    def _clock(self, clock: ClockView) -> list[RenderableType]:
        holder = f"{clock.holder.name.in_(self.lang)}\n{ROLE[clock.holder.role].in_(self.lang)}"
        what = Text(clock.word.in_(self.lang))
        if clock.elsewhere:
            theirs = self.say(
                f"其中 {clock.elsewhere} 个工作日在对方", f"{clock.elsewhere} days lay with the other side"
            )
            what.append(f"\n{theirs}", "dim")
        return [holder, what, _due(clock, self.lang)]

    def money(self, money: MoneyView) -> list[RenderableType]:
        parts: list[RenderableType] = []
        if money.lines:
            version, outcome = money.form_version, money.outcome
            assert outcome is not None, "a form has an outcome"
            title = self.say(f"信息表第 {version} 版：{outcome.zh}", f"form version {version}: {outcome.en}")
            table = self._table(title)
            table.add_column(ratio=1)
            table.add_column(justify="right", no_wrap=True)
            for index, line in enumerate(money.lines):
                last = index == len(money.lines) - 1
                taken_off = line.code in SUBTRACTED or line.amount < 0
                sign = "= " if last else "− " if taken_off else "+ " if index else "  "
                style = "bold" if last else ""
                table.add_row(f"{sign}{line.word.in_(self.lang)}", _yuan(abs(line.amount)), style=style)
            parts.append(table)
        if money.payments:
            parts += [self._payments(money), self._account(money)]
        return parts

    def _payments(self, money: MoneyView) -> RenderableType:
        table = self._table(self.say("资金往来", "payments"))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_column(ratio=1, overflow="fold")
        table.add_column(justify="right", no_wrap=True)
        for one in money.payments:
            note = f"\n{one.note.in_(self.lang)}" if one.note else ""
            serial = self.say(f"\n流水 {one.serial}", f"\nserial {one.serial}") if one.serial else ""
            at = f"{one.at.astimezone(BEIJING):%m-%d %H:%M}"
            table.add_row(at, one.word.in_(self.lang) + note, one.reference + serial, _yuan(one.amount))
        return table

    def _account(self, money: MoneyView) -> RenderableType:
        """Sent = credited + under way + returned + failed + short (protocol.md, Money)."""
        account = money.account
        words = [name for name in MONEY if name == "sent" or getattr(account, name)]
        said = [f"{MONEY[name].in_(self.lang)} {_yuan(getattr(account, name))}" for name in words]
        return Text(f"{said[0]} = {' + '.join(said[1:]) or '0.00'}", "dim")

    def _table(self, title: str) -> Table:
        return Table(
            box=None, expand=True, show_header=False, title=f"\n{title}", title_justify="left", title_style="bold"
        )

    def open_points(self, view: CaseView) -> list[RenderableType]:
        lang, parts = self.lang, list[RenderableType]()
        for one in view.questions:
            with_them = self.say(f"在对方 {one.days} 个工作日", f"{one.days} working days with the other side")
            state = self.say("未答复", "open") if one.open else self.say("已了结", "settled")
            line = Text.assemble((f"\n? {one.word.in_(lang)} ", "bold yellow" if one.open else "dim"), state)
            line.append(f"  {with_them}", "dim")
            for problem in one.problems:
                line.append(f"\n  {problem.word.in_(lang)}")
                line.append(self.aside(problem.field) if problem.field else "", "dim")
                line.append(f" “{problem.text.in_(lang)}”" if problem.text else "")
            parts.append(line)
        parts += [Text(f"\n… {claim.sentence.in_(lang)}", "cyan") for claim in view.claims]
        for void in view.voids:
            sentence = f"✗ {self.say('无效事件', 'void event')} {void.word.in_(lang)} #{void.seq}"
            parts.append(Text(f"\n{sentence} {void.by.name.in_(lang)}", "red"))
        parts += [Text(f"\n! {todo.word.in_(lang)}  [{todo.code}]", "yellow") for todo in view.todos]
        return parts


def _yuan(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _due(clock: ClockView, lang: str) -> Text:
    """The day, how far it is, and what makes it unsure."""
    if clock.due is None:
        return Text("unknown" if lang == "en" else "无法推算", "dim")
    text = Text(f"{clock.due}", _LATE if clock.overdue else "")
    text.append(f"\n{_left(clock, lang)}", _LATE if clock.overdue else _SOON if clock.days_left in (0, 1) else "dim")
    if clock.provisional:
        text.append("\nprovisional" if lang == "en" else "\n暂定", _SOON)
    if clock.unreceipted:
        text.append("\nno receipt" if lang == "en" else "\n回执未到", _SOON)
    return text


def _left(clock: ClockView, lang: str) -> str:
    days = clock.days_left
    if days is None:
        return ""
    if clock.overdue:
        return f"{-days} days late" if lang == "en" else f"逾期 {-days} 天"
    if not days:
        return "today" if lang == "en" else "今日到期"
    return f"{days} days left" if lang == "en" else f"剩 {days} 天"


# --- the worklist


def render_worklist(items: Sequence[WorkItem], lang: str = "zh") -> RenderableType:
    """What is due, earliest first; ours in bold, with what waits for a person."""
    draw = _Draw(lang)
    if not items:
        return Text(draw.say("没有待办", "nothing is due"), "dim")
    table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1), show_edge=False)
    table.add_column(draw.say("期限", "due"), no_wrap=True)
    table.add_column(draw.say("案件", "case"), no_wrap=True)
    table.add_column(draw.say("事项", "what"), ratio=3, overflow="fold")
    table.add_column(draw.say("由谁办", "who"), ratio=2, min_width=11, overflow="fold")
    for item in items:
        table.add_row(*_work_row(item, draw))
    late = sum(item.overdue for item in items)
    ours = sum(item.ours for item in items)
    waiting = sum(bool(item.waits_for_clerk) for item in items)
    foot = draw.say(
        f"共 {len(items)} 项，本地应办 {ours}，其中等人办理 {waiting}，逾期 {late}",
        f"{len(items)} items, {ours} ours, of these {waiting} wait for a clerk; {late} overdue",
    )
    return Group(table, Text(foot, "dim"))


def _work_row(item: WorkItem, draw: _Draw) -> list[RenderableType]:
    lang = draw.lang
    due = _due(item.clock, lang) if item.clock else Text("—", "dim")
    case = Text.assemble(item.person.in_(lang), (f"\n{item.case_id}", "dim"))
    what = Text(item.step_word.in_(lang), "bold" if item.ours else "")
    what.append(f"\n{item.status_word.in_(lang)}", "dim")
    if item.reason:
        what.append(f"\n{item.reason.in_(lang)}", _SOON)
    if item.ours:
        mode = draw.say("等人办理", "waits for a clerk") if item.waits_for_clerk else draw.say("自动", "automatic")
        who = Text(draw.say("本地", "us"), "bold")
        who.append(f"\n{mode}", _SOON if item.waits_for_clerk else "dim")
    elif item.clock is None:
        who = Text(draw.say("无", "nobody"), "dim")
    else:
        who = Text(item.partner.name.in_(lang))
        who.append(f"\n{ROLE[item.clock.holder.role].in_(lang)}", "dim")
    return [due, case, what, who]


__all__ = ["due_sentence", "render_case", "render_timeline", "render_worklist"]
