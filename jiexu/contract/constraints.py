"""Facts of the format that hold between the fields of one record.

`RULES` names the record; the generator wires the rule into its model. A rule returns None, or says in English what
is wrong. What depends on other events is not here: that is the protocol's.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from jiexu.contract.forms import money_sum

R = TypeVar("R")


def _month_number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:])


def period(record: Any) -> str | None:
    """The months are those of the span, both ends counted (domain.md §7)."""
    span = _month_number(record.last_month) - _month_number(record.first_month) + 1
    if span < 1:
        return "last_month is before first_month"
    return None if record.months == span else "months is not the span of the period"


def account_statement(record: Any) -> str | None:
    """The binding amount is the sum of its lines (domain.md §2)."""
    due = record.balance + record.interest - record.unearned_allocation - record.settled_claims
    due += money_sum([line.amount for line in record.other_lines])
    return None if due == record.amount else "amount is not the sum of its lines"


def continuity(record: Any) -> str | None:
    """A wait that is not known has no number: it is said, never guessed (domain.md §8)."""
    return None if record.wait_known or record.wait_months is None else "wait_months without wait_known"


def overlap_choice(record: Any) -> str | None:
    """Each month once."""
    return None if len(set(record.months)) == len(record.months) else "a month stands twice"


def attestation(record: Any) -> str | None:
    """Always two people, never automatic (protocol.md, the paper hand)."""
    if record.recorded_by == record.released_by:
        return "recorded_by and released_by are the same person"
    return "auto cannot attest" if "auto" in (record.recorded_by, record.released_by) else None


def event(record: Any) -> str | None:
    """Links: the first of a hand has no predecessor; each other hand is seen once at most."""
    if (record.seq == 1) is not (record.prev_hash is None):
        return "prev_hash is null at seq 1 and only there"
    attested = record.attested
    if attested is not None and attested.region == record.issuer.region:
        return "attested.region is the issuer's own"
    if record.seen:
        own = record.issuer.role if attested is None else f"{record.issuer.role}_attested"
        hands = {seen.hand for seen in record.seen}
        if own in hands or len(hands) != len(record.seen):
            return "seen names each other hand once at most"
    return None


def chained_payload(record: Any) -> str | None:
    """Numbered and chained per sender and receiver."""
    return None if (record.number == 1) is (record.prev is None) else "prev is null at number 1 and only there"


def hand_taken_over(record: Any) -> str | None:
    """A hash where something is confirmed, and only there."""
    if not record.hand.endswith("_attested"):
        return "hand is not an attested hand"
    return None if (record.seq == 0) is (record.hash is None) else "hash is null where seq is 0 and only there"


def dispute_settled(record: Any) -> str | None:
    """An event counts or does not."""
    if not record.hand.endswith("_attested"):
        return "hand is not an attested hand"
    return "a number both counts and is dropped" if set(record.counts) & set(record.dropped) else None


RULES: dict[str, Callable[[Any], str | None]] = {
    "Period": period,
    "AccountStatement": account_statement,
    "Continuity": continuity,
    "OverlapChoice": overlap_choice,
    "Attestation": attestation,
    "Event": event,
    "ReceiptPayload": chained_payload,
    "NoticePayload": chained_payload,
    "HandTakenOver": hand_taken_over,
    "DisputeSettled": dispute_settled,
}


def apply(record: R) -> R:
    """Run the record's rule; ValueError, which the model turns into its own error, where it is broken."""
    problem = RULES[type(record).__name__](record)
    if problem is not None:
        raise ValueError(problem)
    return record
