"""Safeguards of the product: what each is for, what is seen to go wrong without it, and what switches it off.

A `backstop` stands behind another safeguard and is noticed late, or only when that one is gone too; `spare` ones save
work or time, and nothing is lost or doubled without them. Both are tried all the same (ablations.py).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from jiexu.journal.case_writes import CaseWrites
from jiexu.journal.exchange_writes import ExchangeWrites
from jiexu.journal.log_writes import LogWrites
from jiexu.region.registry import SqliteRegistry, acts
from jiexu.service import clerk, issue, loop, lost_events, startup, unreported
from jiexu.service.claims import Claims
from jiexu.service.followers import Relay, Resend
from jiexu.service.intake import Intake
from jiexu.service.loop import Service
from jiexu.service.placing import Placing
from services.outbound import forms
from tests.simulation import regions
from tests.simulation import switches as no

Off = Callable[[], AbstractContextManager[Any]]
off = no.patched


@dataclass(frozen=True)
class Safeguard:
    """A safeguard: its name here, what it is, what goes wrong without it, and how it is switched off."""

    name: str
    what: str
    without: str
    off: Off
    focus: tuple[str, ...] = ()  # what a plan must have more of so that it is noticed soon (plan.focused)
    kind: str = "needed"  # needed | backstop | spare


_ANY_PLACE = no.without_index("events_place", off((CaseWrites, "append", no.append_anything)))
_ANY_EVENT_ID = no.without_index(
    "events_id", off((CaseWrites, "_refuse_known_ids", no.nothing), (Placing, "_look_for", no.nothing))
)
_OWN_VIEW = off((issue, "issue_within", no.one_look))
_NO_CHECK = off((startup, "check_at_start", no.no_check), (loop, "check_at_start", no.no_check))
_NO_BLOCK = off(
    (issue, "issue_within", no.not_blocked),
    (CaseWrites, "_open_places", lambda *_: {}),
    (clerk.Clerk, "_refuse_blocked", no.nothing),
)
_NONE_LOST = off(*((module, "cases_with_lost_events", no.none_lost) for module in (lost_events, clerk)))
_NO_ROW = off((CaseWrites, "take_row", no.row_for_everybody))
_NO_FORM_JUDGED = off((forms, "moved_by_another", lambda *_: {}))
_CLERK_UNJUDGED = off((clerk, "accepted_by_clerk", no.accept_unjudged))
_NOT_HEARD = off(*((module, "unheard_cases", no.none_lost) for module in (lost_events, clerk)))

SAFEGUARDS = (
    # the mailbox
    Safeguard(
        "known_hash",
        "an event is known by its place and its hash",
        "another content for a used place is receipted as if it were the one that stands, and nobody sees it",
        off((Placing, "_event_at", no.whatever_stands)),
        ("forged:other_content",),
    ),
    Safeguard(
        "event_id",
        "an event id is used once: intake asks, append asks, a unique key stands behind both",
        "two events bear one id, so that acts and values of the one are taken for the other's",
        _ANY_EVENT_ID,
        ("forged:event_id_reused",),
    ),
    Safeguard(
        "gap_held",
        "an event after a gap is held back until the gap closes",
        "the batch cannot be taken in, and the service dies of it again and again",
        off((Placing, "_must_wait", no.never_waits("gap"))),
        ("expire", "tail_lost"),
    ),
    Safeguard(
        "seen_is_ours",
        "an event that rests on events of ours that are not here is held back",
        "it cannot be judged, and the service dies of it again and again",
        off((Placing, "_must_wait", no.never_waits("seen"))),
        ("forged:seen_unknown",),
    ),
    Safeguard(
        "offset_not_before",
        "the mailbox offset moves in the batch's transaction, not before it",
        "a batch is skipped where the process dies between the two",
        off((Intake, "take", no.offsets_first)),
        ("forged:garbage", "crash@begin_write"),
    ),
    Safeguard(
        "offset_not_after",
        "the mailbox offset moves in the batch's transaction, not after it",
        "a batch is taken in twice where the process dies between the two",
        off((Intake, "take", no.offsets_last)),
        ("forged:garbage", "crash@after_commit"),
    ),
    Safeguard(
        "offset_from_start",
        "the mailbox offset moves only from where the batch began",
        "two copies of a service take one batch in twice",
        off((Intake, "_advance", no.offset_from_anywhere)),
        ("forged:garbage", "zombie@polled"),
    ),
    Safeguard(
        "receipt_repeated",
        "an event that comes again is receipted again",
        "a lost receipt never comes, and the event is sent again for ever",
        off((Placing, "_known", no.known_without_receipt)),
        ("tail_lost", "expire"),
    ),
    Safeguard(
        "resend",
        "what has no receipt is sent again",
        "what a mailbox lost before it was read never arrives",
        off((Resend, "turn", no.nothing)),
        ("tail_lost", "expire"),
    ),
    Safeguard(
        "receipt_after_commit",
        "a receipt is stated with the event and sent once the ledger holds both",
        "a partner believes arrived what this region has lost with its disk, and never sends it again",
        off((Placing, "_give_receipt", no.receipt_at_once)),
        ("power_cut@intake.commit", "weeks_off", "tail_lost"),
    ),
    # issuing
    Safeguard(
        "both_hands",
        "an append looks at both hands: what was decided on less is decided again",
        "a clerk's act and a step use one place, and the slower one ends the service",
        _OWN_VIEW,
        ("clerk_first@begin_write",),
    ),
    Safeguard(
        "place",
        "append refuses a place in a hand that is used, and a unique key stands behind it",
        "nothing, while every append looks at both hands first",
        _ANY_PLACE,
        kind="backstop",
    ),
    Safeguard(
        "place_and_both_hands",
        "the two before, both gone",
        "a place in a hand has two contents",
        no.together(_ANY_PLACE, _OWN_VIEW),
        ("clerk_first@begin_write",),
    ),
    Safeguard(
        "row",
        "outbound accepts only with the person's row of open_moves",
        "two cases of one person are accepted, and a clerk must end one: no form goes out",
        _NO_ROW,
        ("story:twins",),
        kind="backstop",
    ),
    Safeguard(
        "row_and_form_judged",
        "the person's row, and the look at other cases before a form, both gone",
        "two regions take over one person's relation and money",
        no.together(_NO_ROW, _NO_FORM_JUDGED),
        ("story:twins",),
    ),
    Safeguard(
        "form_judged",
        "no form goes out where another case moves the relation, or has moved it",
        "a case that was lost and is taken back moves what another has moved since",
        _NO_FORM_JUDGED,
        ("story:twins", "silent", "midway", "bare"),
    ),
    Safeguard(
        "clerk_judged",
        "a clerk's accept sets no ground of refusal aside",
        "a case is accepted in vain; its form does not go out",
        _CLERK_UNJUDGED,
        ("story:twins", "clerk:answer"),
        kind="backstop",
    ),
    Safeguard(
        "clerk_and_form_judged",
        "the two before, both gone",
        "a relation that has left by one case moves again by another, and its months are recorded twice",
        no.together(_NO_FORM_JUDGED, _CLERK_UNJUDGED),
        ("story:twins", "clerk:answer"),
    ),
    # claims and acts
    Safeguard(
        "claim_pinned",
        "a claim's event is judged by what was seen when the step was decided",
        "what was done may not be said any more once the partner's events have come in",
        off((issue, "_seal", no.seal_on_what_is_seen_now)),
        ("withdraw", "withdraw", "zombie@perform"),
    ),
    Safeguard(
        "claim_blocks",
        "while a claim is open nothing else is appended to its hand",
        "the place reserved for what was done is used by another event",
        _NO_BLOCK,
    ),
    Safeguard(
        "claim_taken_up",
        "a claim that a crash left is taken up and done again",
        "the case stands still, with money on its way that no event reports",
        off((Claims, "resume", no.nothing)),
        ("crash@acts.done",),
    ),
    Safeguard(
        "presumed_begun",
        "after a restore an open claim counts as begun",
        "nothing, while acts are repeated under their keys: only a claim freed then would forget what was done",
        off((LogWrites, "_presume_begun", no.nothing)),
        kind="backstop",
    ),
    Safeguard(
        "key_with_n",
        "an act's key says how often its step stands in the hand",
        "the second remittance, credit or return of a case is taken for the first",
        off((unreported, "ActKey", no.same_n)),
    ),
    Safeguard(
        "key_kept",
        "the registry keeps what was done under a key",
        "an act that is repeated after a crash takes effect twice, or is refused",
        off((SqliteRegistry, "_perform", no.forgetful)),
        ("crash@acts.done", "crash@issue.commit"),
    ),
    Safeguard(
        "bank_key",
        "an order to the bank bears the act's key",
        "money is sent twice where the process dies between the bank's commit and the registry's",
        off((acts, "_bank_key", no.another_order)),
        ("crash@bank.committed",),
    ),
    # the disk, the ledger and the start
    Safeguard(
        "fsync",
        "a commit is on the disk when it returns",
        "accepted applications are gone",
        no.no_fsync,
        ("power_cut@issue.commit", "power_cut@after_commit"),
    ),
    Safeguard(
        "ledger_before_relay",
        "nothing is sent to a partner before the ledger holds it",
        "after a disk was lost a place is used again of which a partner knows another content",
        off((Relay, "_bundles", no.sent_before_the_ledger)),
        ("ledger_away", "old_copy@relay.sent"),
    ),
    Safeguard(
        "ledger_before_acts",
        "no act begins before the ledger holds its claim",
        "after a disk was lost money is on its way that no event reports",
        off((Claims, "__init__", no.acts_before_the_ledger)),
        ("ledger_away", "old_copy@acts.done", "withdraw"),
    ),
    Safeguard(
        "check_at_start",
        "every start asks the ledger whether the journal is an old copy",
        "positions and places that were used are used again",
        _NO_CHECK,
        ("old_copy@ledger.sent",),
    ),
    Safeguard(
        "restore_checked",
        "a clerk's command asks the same of a journal that was restored",
        "the command's lines and the ledger's stand at one position, and no service starts any more",
        off((regions, "check_if_restored", no.nothing)),
        ("old_copy@relay.sent", "act"),
    ),
    Safeguard(
        "mailbox_first",
        "the mailbox is read to its end before anything is issued",
        "after journal and ledger were lost together a case differs from the partner's, and nobody is told",
        off((Service, "begin", no.begin_at_once)),
        ("ledger_lost", "old_copy@relay.sent", "withdraw", "unreachable"),
    ),
    Safeguard(
        "lost_events",
        "a case in which a partner knows more of our hand than we do issues nothing",
        "after journal and ledger were lost together a place has two contents",
        _NONE_LOST,
        ("disaster",),
    ),
    Safeguard(
        "partner_heard",
        "where what was signed last is in doubt, a case goes on once its partner has said what it knows",
        "a partner that was off while journal and ledger lost the same lines is sent a used place anew",
        _NOT_HEARD,
        ("ledger_lost", "old_copy@relay.sent", "withdraw", "unreachable"),
    ),
    # what only saves work
    Safeguard(
        "cursor_from_start",
        "a follower's cursor moves only from where it began",
        "nothing: what is sent twice is known by its hash, what is done twice by its key",
        off((ExchangeWrites, "move_cursor", no.move_from_anywhere)),
        kind="spare",
    ),
    Safeguard(
        "partition_by_case",
        "all events of a case go to one partition of the mailbox",
        "nothing: what overtakes is held back, only later",
        off((issue, "partition_of", no.any_partition)),
        kind="spare",
    ),
)
BY_NAME = {one.name: one for one in SAFEGUARDS}
