"""The timeline drawn as two lifelines, 转出地 left and 转入地 right, for terminals of 60 columns and more.

An event leaves its issuer's line and runs as an arrow to the other's, where it says when it arrived. What it tells,
what became due and who must act next stand under it, on its issuer's side. Lines are composed cell by cell, since a
Chinese character takes two.
"""

from collections.abc import Iterator
from datetime import datetime

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from jiexu.case.event import Role
from jiexu.case.obligations import Track
from jiexu.case.words import ROLE, TRACK, Word
from jiexu.service.agency import BEIJING
from jiexu.service.clocks import ClockView
from jiexu.service.timeline import Entry, Timeline

NARROWEST = 60
WIDEST = 120
_TIME = 6  # `09:05 `
_LANE = {Role.OUTBOUND: "cyan", Role.INBOUND: "green"}
_WEEKDAYS = (
    Word("周一", "Mon"),
    Word("周二", "Tue"),
    Word("周三", "Wed"),
    Word("周四", "Thu"),
    Word("周五", "Fri"),
    Word("周六", "Sat"),
    Word("周日", "Sun"),
)


class Lanes:
    """A rich renderable of a timeline."""

    def __init__(self, timeline: Timeline, lang: str) -> None:
        self.timeline = timeline
        self.lang = lang

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(NARROWEST, min(options.max_width, WIDEST))
        self._console = console
        self._middle = width - _TIME - 2
        yield self._title()
        yield self._names()
        day = None
        holders: dict[Track, ClockView | None] = dict.fromkeys(Track)
        for entry in self.timeline.entries:
            at = entry.at.astimezone(BEIJING)
            if at.date() != day:
                day = at.date()
                name = _WEEKDAYS[day.weekday()]
                label = f" {day} {name.in_(self.lang)} "
                dots = self._middle - cell_len(label)
                yield self._line(Text("·" * (dots // 2) + label + "·" * (dots - dots // 2), "dim"))
            yield from self._entry(entry, at, holders)
            holders = entry.holders
        yield from self._foot(holders)

    # --- parts

    def _say(self, zh: str, en: str) -> str:
        return en if self.lang == "en" else zh

    def _title(self) -> Text:
        shown = self.timeline
        title = Text()
        title.append(self._say("案件 ", "Case "), "bold")
        title.append(shown.case_id)
        title.append(f"  {shown.person.in_(self.lang)}  ")
        title.append(shown.status_word.in_(self.lang), "bold")
        return title

    def _names(self) -> Text:
        out, into = (self.timeline.parties[role] for role in Role)
        left = f"{ROLE['outbound'].in_(self.lang)} {out.name.in_(self.lang)}"
        right = f"{into.name.in_(self.lang)} {ROLE['inbound'].in_(self.lang)}"
        gap = " " * max(self._middle + 2 - cell_len(left) - cell_len(right), 1)
        return Text.assemble(
            " " * _TIME, (left, f"bold {_LANE[Role.OUTBOUND]}"), gap, (right, f"bold {_LANE[Role.INBOUND]}")
        )

    def _line(self, middle: Text, time: str = "", left: str = "│", right: str = "│") -> Text:
        """One row: the time, the two lifelines, what stands between them padded to the cell."""
        middle = middle.copy()
        middle.truncate(self._middle, overflow="ellipsis", pad=True)
        line = Text(no_wrap=True, end="\n")
        line.append(time.ljust(_TIME), "bold")
        line.append(left, _LANE[Role.OUTBOUND])
        line.append_text(middle)
        line.append(right, _LANE[Role.INBOUND])
        return line

    def _entry(self, entry: Entry, at: datetime, before: dict[Track, ClockView | None]) -> Iterator[Text]:
        yield self._arrow(entry, at)
        for text in self._told(entry, before):
            yield from self._block(text, entry.who.role)

    def _arrow(self, entry: Entry, at: datetime) -> Text:
        """From the issuer's line to the other's; open at the end while no receipt says that it arrived."""
        role = entry.who.role
        label = Text(f" {entry.word.in_(self.lang)} ", "bold red" if entry.void else "bold")
        label.append(f"#{entry.seq} ", "dim")
        if entry.void:
            label.append(self._say("（无效）", "(void) "), "red")
        end = Text(self._end(entry), "dim" if entry.receipt in ("received", "arrived") else "yellow")
        dash = "╌" if entry.void or entry.receipt in ("awaited", "not_sent") else "─"
        fill = max(self._middle - label.cell_len - end.cell_len - 4, 1)
        shaft = dash * fill
        if entry.crossed:
            shaft = shaft[: fill // 2] + "╳" + shaft[fill // 2 + 1 :]
        style = "red" if entry.void else _LANE[role]
        arrived = entry.receipt in ("received", "arrived")
        time = f"{at:%H:%M}"
        if role is Role.OUTBOUND:
            tip = f"{dash}▶" if arrived else f"{dash} "
            middle = Text.assemble((f"{dash}{dash}", style), label, (shaft, style), end, (tip, style))
            return self._line(middle, time, left="●")
        tip = f"◀{dash}" if arrived else f" {dash}"
        middle = Text.assemble((tip, style), end, (shaft, style), label, (f"{dash}{dash}", style))
        return self._line(middle, time, right="●")

    def _end(self, entry: Entry) -> str:
        if entry.receipt == "not_sent":
            return self._say(" 不外送 ", " not sent ")
        if entry.received_at is None:
            return self._say(" 回执未到 ", " no receipt yet ")
        reached = entry.received_at.astimezone(BEIJING)
        same_day = reached.date() == entry.at.astimezone(BEIJING).date()
        at = f"{reached:%H:%M}" if same_day else f"{reached:%m-%d %H:%M}"
        return self._say(f" {at} 送达 ", f" reached {at} ")

    def _told(self, entry: Entry, before: dict[Track, ClockView | None]) -> Iterator[Text]:
        who = self._handlers(entry)
        if who:
            yield Text(who, "dim")
        for detail in entry.details:
            yield Text(detail.in_(self.lang))
        for seq in entry.crossed:
            other = ROLE[entry.who.role.other].in_(self.lang)
            yield Text(self._say(f"╳ 与{other}第 {seq} 号途中交错", f"╳ crossed with {other} #{seq}"), "magenta")
        for clock in entry.starts:
            yield Text(f"▸ {due_sentence(clock, self.lang)}", "yellow")
        if entry.holders != before:
            yield self._holding(entry.holders)

    def _handlers(self, entry: Entry) -> str:
        if entry.handled_by == "auto" and entry.reviewed_by is None:
            return ""
        zh = f"经办 {entry.handled_by}" + (f"，复核 {entry.reviewed_by}" if entry.reviewed_by else "")
        en = f"handled by {entry.handled_by}" + (f", reviewed by {entry.reviewed_by}" if entry.reviewed_by else "")
        return self._say(zh, en)

    def _holding(self, holders: dict[Track, ClockView | None]) -> Text:
        """Who must act after this, per track."""
        text = Text(self._say("此后 ", "then "), "dim")
        for index, (track, clock) in enumerate(holders.items()):
            text.append("  " if index else "")
            text.append(f"{TRACK[track].in_(self.lang)}→", "dim")
            if clock is None:
                text.append(self._say("无待办", "nobody"), "dim")
            else:
                text.append(clock.holder.name.in_(self.lang), _LANE[clock.holder.role])
        return text

    def _block(self, text: Text, role: Role) -> Iterator[Text]:
        """A text under its event: on the left for outbound, on the right for inbound, wrapped."""
        indent = 3 if role is Role.OUTBOUND else self._middle // 3
        width = self._middle - indent - 2 if role is Role.INBOUND else self._middle - self._middle // 3
        for line in text.wrap(self._console, width):
            line.rstrip()
            yield self._line(Text.assemble(" " * indent, line))

    def _foot(self, holders: dict[Track, ClockView | None]) -> Iterator[Text]:
        for track, clock in holders.items():
            line = Text(" " * _TIME)
            line.append(f"{TRACK[track].in_(self.lang)}  ", "bold")
            line.append(due_sentence(clock, self.lang) if clock else self._say("无待办", "nothing is due"))
            if clock is not None and clock.overdue:
                line.append(self._say("  已逾期", "  overdue"), "bold red")
            yield line


def due_sentence(clock: ClockView, lang: str) -> str:
    """Who must do what by when, with what the day rests on where it is not sure."""
    name, what = clock.holder.name.in_(lang), clock.word.in_(lang)
    if clock.due is None:
        return f"{name}: {what}, no date can be given" if lang == "en" else f"{name}：{what}，期限无法推算"
    doubts = []
    if clock.provisional:
        doubts.append("provisional" if lang == "en" else "暂定")
    if clock.unreceipted:
        doubts.append("no receipt yet" if lang == "en" else "回执未到，暂按发出时间")
    if lang == "en":
        return f"{name}: {what} by {clock.due}" + (f" ({', '.join(doubts)})" if doubts else "")
    return f"{name} {what}，限 {clock.due}" + (f"（{'，'.join(doubts)}）" if doubts else "")
