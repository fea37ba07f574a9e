"""When something that is due in a case is due: obligations of the case, dated by receipts, limits and the calendar.

`jiexu.case.obligations` names the clock and the event that starts it; here the event gets its instant. A clock that
begins with "received" begins when the event reached the receiver's mailbox (the exchange's append time), which the
receiver knows from the record and the sender from the receipt: so both sides come to the same day (domain.md §6).
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from jiexu.calendar import CalendarError, Deadline, beijing_date, deadline
from jiexu.case.case import Case
from jiexu.case.event import Role
from jiexu.case.obligations import Obligation, Since, Track, obligations
from jiexu.journal.port import ReceiptRow, StoredEvent
from jiexu.rules.ruleset import Ruleset, RulesetNotFound, ruleset_by_id
from jiexu.service.agency import Agency

Received = Mapping[tuple[Role, int], datetime]
"""When the event at a place in a hand reached the other side's mailbox, as far as that is known here."""

UNRECEIPTED = "+unreceipted"
"""Ends the `start_kind` of a deadline that should start with a receipt which has not come: it counts from the event's
own time until then, and moves to the true start with the receipt."""


def is_unreceipted(one: Deadline) -> bool:
    """Whether the deadline stands on the event's own time, its receipt not being here yet."""
    return one.start_kind.endswith(UNRECEIPTED)


def received_times(events: Iterable[StoredEvent], receipts: Iterable[ReceiptRow]) -> dict[tuple[Role, int], datetime]:
    """When each event of one case reached the other side's mailbox.

    For the counterpart's events that is their own arrival here; for own ones the first receipt got, of those that
    bear the event's hash. Sending again restarts nothing.
    """
    times: dict[tuple[Role, int], datetime] = {}
    own: dict[tuple[str, int], bytes] = {}
    for stored in events:
        event = stored.event
        if stored.arrival is not None:
            times[event.hand.role, event.seq] = stored.arrival.appended_at
        else:
            own[event.hand, event.seq] = event.hash
    for receipt in receipts:
        if not receipt.given and own.get((receipt.hand, receipt.seq)) == receipt.hash:
            times.setdefault((receipt.hand.role, receipt.seq), receipt.arrival.appended_at)
    return times


def frozen_ruleset(case: Case) -> Ruleset:
    """The ruleset whose clocks hold: the acceptance's, before it the application's (domain.md §9).

    Raises RulesetNotFound where its data is not installed, LookupError for a case without its application.
    """
    if case.application is None:
        raise LookupError(f"{case.case_id}: the application is not here")
    view = case.view
    accepted = [case.event(role, view.hand(role).accepted) for role in Role if view.hand(role).accepted]
    return ruleset_by_id((accepted[0] if accepted else case.application).ruleset)


def _frozen_on(case: Case) -> date:
    """The day whose rules and promises hold for the case: of the acceptance, before it of the application."""
    view = case.view
    accepted = [case.event(role, view.hand(role).accepted) for role in Role if view.hand(role).accepted]
    one = accepted[0] if accepted else case.application
    assert one is not None, "a case with something due has its application"
    return beijing_date(one.occurred_at)


def due_of(agency: Agency, case: Case, obligation: Obligation, received: Received) -> Deadline | None:
    """The deadline of an obligation: latest start, the frozen ruleset's length, the calendar of the owner's province.

    None where no day can be given: the case's procedure has no such clock, its ruleset is not installed here, or
    the start lies outside the calendar (an issuer's own clock can be wrong by decades).
    """
    starts = [_start(case, since, received) for since in obligation.since]
    if not starts or case.application is None:
        return None
    start, receipted = max(at for at, _ in starts), all(known for _, known in starts)
    procedure = case.application.body["procedure"]
    owner = case.parties[obligation.holder]
    try:
        limit = frozen_ruleset(case).limit(procedure, obligation.clock, lodged_by=case.view.lodger)
        # A promise in the directory shortens, never lengthens; it is that of the day whose rules are frozen.
        promised = agency.participants.promised_days(owner.region, procedure, obligation.clock, None, _frozen_on(case))
        return deadline(
            agency.calendar.in_province(owner.region[:2]),
            clock=obligation.clock,
            owner=str(owner),
            start=start,
            start_kind=limit.starts if receipted else limit.starts + UNRECEIPTED,
            length=min(limit.days, promised or limit.days),
        )
    except (KeyError, RulesetNotFound, CalendarError):
        return None


def _start(case: Case, since: Since, received: Received) -> tuple[datetime, bool]:
    """The instant of one start, and whether it is the true one."""
    own_time = case.event(since.role, since.seq).occurred_at
    if not since.received:
        return own_time, True
    reached = received.get((since.role, since.seq))
    return (own_time, False) if reached is None else (reached, True)


def due_obligations(case: Case, lodged_anew: bool = False) -> list[Obligation]:
    """All that is due in a case, with the one thing that the case alone does not tell.

    A forwarded case is over in itself; that its lodger lodges anew at the right region stands in another case
    (domain.md §6, §10). Whether that was done is known to the lodger's journal, and is told here.
    """
    due = obligations(case.view)
    view = case.view
    if view.status != "forwarded" or lodged_anew or view.lodger is None or view.hand(view.lodger).withdrawn:
        return due  # a lodger that has withdrawn meanwhile lodges nothing anew
    forwarder = view.lodger.other
    since = Since(forwarder, view.hand(forwarder).forwarded, received=True)
    return [Obligation(Track.RELATION, "lodge_anew", view.lodger, (since,)), *due]
