"""Every metric of a service: its name, kind, labels and help, in one place. docs/operations.md shows the same table.

Each also bears `region` and `role`, the service that says it. `scope` tells how to add up: what is of the `role` is
summed over a region's two services; what is of the `region` (they share a journal) both say, so one takes the maximum.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["gauge", "counter", "histogram"]
Scope = Literal["role", "region"]


@dataclass(frozen=True, slots=True)
class Spec:
    """One metric. `labels` come after `region` and `role`."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    scope: Scope = "role"


_SPECS = (
    # --- the process and its loop, from memory
    Spec("jiexu_build_info", "gauge", "Always 1; the labels say which program runs.", ("version", "python")),
    Spec("jiexu_start_checked", "gauge", "1 once the check at start is done and the mailbox was taken in, else 0."),
    Spec("jiexu_loop_last_turn_timestamp_seconds", "gauge", "When the loop last gave a sign of life (Unix time)."),
    Spec("jiexu_loop_turn_seconds", "histogram", "Duration of one turn of the whole loop."),
    Spec("jiexu_loop_part_seconds", "histogram", "Duration of one turn of one part of the loop.", ("part",)),
    Spec(
        "jiexu_loop_work_total",
        "counter",
        "Work done by a part of the loop: records taken in, events issued, log lines in the ledger, records sent, "
        "bundles resent.",
        ("part",),
    ),
    Spec("jiexu_step_seconds", "histogram", "Time to decide a step in a batch of cases.", ("step",)),
    Spec("jiexu_step_cases_total", "counter", "Cases in which a step was looked at.", ("step",)),
    Spec("jiexu_platform_seconds", "histogram", "Duration of a call of the local platform, for many cases.", ("call",)),
    # --- the exchange
    Spec("jiexu_exchange_reachable", "gauge", "1 if the exchange answered when it was asked just now, else 0."),
    Spec("jiexu_exchange_last_poll_timestamp_seconds", "gauge", "When the mailbox was last polled with success."),
    Spec("jiexu_exchange_waits_total", "counter", "Turns that ended because the exchange or the journal was away."),
    Spec("jiexu_intake_lag_records", "gauge", "Records in the mailbox that are not taken in.", ("partition",)),
    Spec(
        "jiexu_intake_lag_seconds",
        "gauge",
        "For how long the next record has been seen waiting, by the samples of scrapes.",
        ("partition",),
    ),
    # --- the journal
    Spec("jiexu_journal_reachable", "gauge", "1 if the journal could be read just now, else 0.", scope="region"),
    Spec("jiexu_journal_last_position", "gauge", "Position of the log's last line.", scope="region"),
    Spec("jiexu_journal_size_bytes", "gauge", "Size of the journal's file or database.", scope="region"),
    Spec("jiexu_journal_disk_free_bytes", "gauge", "Free space where the journal's file is.", scope="region"),
    Spec("jiexu_ledger_lag_lines", "gauge", "Log lines that the ledger does not hold yet.", scope="region"),
    Spec("jiexu_ledger_lag_seconds", "gauge", "Age of the oldest log line that it does not hold.", scope="region"),
    Spec("jiexu_ledger_unreachable", "gauge", "1 while nothing reaches the ledger, else 0.", scope="region"),
    Spec(
        "jiexu_follower_lag_lines",
        "gauge",
        "What a follower has still to look at or to send: lines, bundles or receipts.",
        ("follower", "partner"),
    ),
    Spec(
        "jiexu_follower_lag_seconds",
        "gauge",
        "Age of the oldest thing that a follower has still to look at or to send.",
        ("follower", "partner"),
    ),
    # --- events and cases
    Spec(
        "jiexu_events_total",
        "counter",
        "Events of this role's cases in the journal, since its beginning.",
        ("type", "direction", "void"),
    ),
    Spec("jiexu_cases", "gauge", "Cases of this role.", ("status",)),
    Spec("jiexu_agenda_cases", "gauge", "Cases that changed and wait for the steps to look at them."),
    Spec("jiexu_agenda_oldest_seconds", "gauge", "Age of the oldest such change."),
    Spec("jiexu_claims_open", "gauge", "Steps that act and are under way."),
    Spec("jiexu_claims_oldest_seconds", "gauge", "Age of the oldest of them, 0 without one."),
    Spec(
        "jiexu_obligations",
        "gauge",
        "What is due, by track, holder (ours, theirs), day (overdue; soon: 2 working days or fewer; later; undated).",
        ("track", "holder", "due"),
    ),
    Spec("jiexu_obligations_complete", "gauge", "1 once every case with something due was looked at, else 0."),
    # --- what waits
    Spec("jiexu_parked_records", "gauge", "Records that could not be placed.", ("code",)),
    Spec("jiexu_parked_oldest_seconds", "gauge", "Age of the oldest parked record.", ("code",)),
    Spec("jiexu_held_events", "gauge", "Events held back: gap, seen, unknown.", ("reason",)),
    Spec("jiexu_held_oldest_seconds", "gauge", "Age of the oldest held event.", ("reason",)),
    Spec("jiexu_todo_items", "gauge", "What waits for a person.", ("kind", "code"), "region"),
    Spec("jiexu_todo_oldest_seconds", "gauge", "Age of the oldest of them.", ("kind", "code"), "region"),
    # --- partners
    Spec("jiexu_unreceipted_events", "gauge", "Own events without a receipt.", ("partner",)),
    Spec("jiexu_unreceipted_oldest_seconds", "gauge", "Age of the oldest of them.", ("partner",)),
    Spec(
        "jiexu_partner_silence_seconds",
        "gauge",
        "Since when nothing came from a partner that owes a receipt, counted from the oldest event that it owes for.",
        ("partner",),
    ),
    # --- what the region is set up with
    Spec(
        "jiexu_signing_key_expiry_timestamp_seconds",
        "gauge",
        "When the key that this service signs with expires; +Inf for one without an end.",
        ("key",),
        "region",
    ),
    Spec("jiexu_signing_key_usable", "gauge", "1 while the directory lets the region sign with it, else 0.", ("key",)),
    Spec(
        "jiexu_calendar_known_until_timestamp_seconds",
        "gauge",
        "End of the last year whose holidays are known.",
        scope="region",
    ),
    Spec("jiexu_directory_regions", "gauge", "Regions that take part, by the directory.", scope="region"),
    Spec(
        "jiexu_directory_online_until_timestamp_seconds",
        "gauge",
        "Until when this region is online by the directory; +Inf without an end, 0 if it is not.",
        scope="region",
    ),
    # --- the watch itself
    Spec("jiexu_watch_look_seconds", "gauge", "How long the last look at a source took.", ("source",)),
    Spec("jiexu_watch_last_look_timestamp_seconds", "gauge", "When a source was last seen with success.", ("source",)),
    Spec("jiexu_watch_failures_total", "counter", "Looks at a source that failed.", ("source",)),
)

CATALOG = {spec.name: spec for spec in _SPECS}
