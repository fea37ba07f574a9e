"""A moment as options take it: ISO 8601 with its offset, or a day, which begins at midnight in Beijing."""

from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import click

from jiexu.cli.values import BadValue

_BEIJING = timezone(timedelta(hours=8))


class Moment(click.ParamType[datetime]):
    """See the module."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it; one without an offset is refused, since it would mean another instant on another machine."""
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        try:
            if len(text) == len("2026-03-01"):
                return datetime.combine(date.fromisoformat(text), time(), _BEIJING)
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            zh = "应写作 2026-03-01（北京时间零点）或 2026-03-01T08:00+08:00"
            raise BadValue(zh, "write 2026-03-01 (midnight in Beijing) or 2026-03-01T08:00+08:00", param, ctx)
        return moment


MOMENT = Moment()
