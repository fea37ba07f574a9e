"""What is seen of the journal: each look is a snapshot of its own, and costs as much as what waits there."""

import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from prometheus_client import Metric

from jiexu.case.event import OWN_HAND, Party, Role
from jiexu.case.words import STATUS
from jiexu.exchange.topics import topic_name
from jiexu.journal.port import Journal, Reads
from jiexu.journal.tally_port import Tally
from jiexu.service.agency import Agency
from jiexu.service.followers import LEDGER_WAITS
from jiexu.service.ledger_end import LEDGER_CURSOR
from jiexu.service.silence import Silence
from jiexu.service.watching.due import DueBook
from jiexu.service.watching.event_counts import EventCounts
from jiexu.service.watching.figures import Labels, Rows, by_word, figure, place_of, table

CATCH_UP_SECONDS = 0.5
"""How long one look may catch up with what it counts piece by piece."""


class JournalFigures:
    """A look at what waits in the journal, and at how far it has come."""

    def __init__(self, agency: Agency, role: Role, journal: Journal) -> None:
        self.agency = agency
        self.journal = journal
        self.role = role
        self.place = place_of(agency.region, role)
        self.topic = topic_name(agency.region, role.value)
        self.silence = Silence(role)
        self.events = EventCounts(journal, role)
        self.ledger_waits = ""
        self.ledger_age = 0.0

    def look(self) -> Sequence[Metric]:
        """Raises what the journal raises."""
        self.events.follow(time.monotonic() + CATCH_UP_SECONDS)
        with self.journal.read() as read:
            return [
                table(self.place, "jiexu_events_total", self.events.rows()),
                *self._size(read),
                *self._ledger(read),
                *self._waiting(read),
                *self._followers(read),
                *self._partners(read),
            ]

    def _size(self, read: Reads) -> list[Metric]:
        figures = [
            figure(self.place, "jiexu_journal_last_position", read.last_position()),
            figure(self.place, "jiexu_journal_size_bytes", read.size_bytes()),
        ]
        place = self.agency.config.journal_place()
        if isinstance(place, Path):
            figures.append(figure(self.place, "jiexu_journal_disk_free_bytes", shutil.disk_usage(place.parent).free))
        return figures

    def _ledger(self, read: Reads) -> list[Metric]:
        lag = read.tally_log(read.cursor(LEDGER_CURSOR))
        self.ledger_waits = read.note(LEDGER_WAITS) or ""
        self.ledger_age = self._age(lag)
        return [
            figure(self.place, "jiexu_ledger_lag_lines", lag.count),
            figure(self.place, "jiexu_ledger_lag_seconds", self.ledger_age),
            figure(self.place, "jiexu_ledger_unreachable", float(bool(self.ledger_waits))),
        ]

    def _waiting(self, read: Reads) -> list[Metric]:
        claims, agenda = read.tally_claims(OWN_HAND[self.role]), read.tally_agenda(self.role)
        return [
            *self._counted(
                "jiexu_parked_records", "jiexu_parked_oldest_seconds", _words(read.tally_parked(self.topic))
            ),
            *self._counted("jiexu_held_events", "jiexu_held_oldest_seconds", _words(read.tally_held(self.topic))),
            *self._counted("jiexu_todo_items", "jiexu_todo_oldest_seconds", read.tally_todos()),
            *self._counted("jiexu_claims_open", "jiexu_claims_oldest_seconds", {(): claims}),
            *self._counted("jiexu_agenda_cases", "jiexu_agenda_oldest_seconds", {(): agenda}),
        ]

    def _followers(self, read: Reads) -> list[Metric]:
        return self._counted(
            "jiexu_follower_lag_lines", "jiexu_follower_lag_seconds", followers_behind(read, self.role)
        )

    def _partners(self, read: Reads) -> list[Metric]:
        owed = read.tally_unreceipted(self.role)
        first = read.first_unreceipted(self.role)
        heard = self.silence.heard(read, first)
        silent: dict[Labels, float] = {}
        for party, tally in owed.items():
            at = read.recorded_at(heard[party]) if party in heard else tally.oldest
            silent[party.region,] = max(0.0, (self.agency.clock() - at).total_seconds()) if at else 0.0
        rows: dict[Labels, Tally] = {(party.region,): tally for party, tally in owed.items()}
        return [
            *self._counted("jiexu_unreceipted_events", "jiexu_unreceipted_oldest_seconds", rows),
            table(self.place, "jiexu_partner_silence_seconds", silent),
        ]

    def _counted(self, count: str, oldest: str, rows: Mapping[Labels, Tally]) -> list[Metric]:
        return [
            table(self.place, count, {labels: float(tally.count) for labels, tally in rows.items()}),
            table(self.place, oldest, {labels: self._age(tally) for labels, tally in rows.items()}),
        ]

    def _age(self, tally: Tally) -> float:
        return age(tally.oldest, self.agency.clock())


class CaseFigures:
    """A look at all cases by status: an index of them is read, so it is taken seldom where there are very many."""

    def __init__(self, agency: Agency, role: Role, journal: Journal) -> None:
        self.journal, self.role, self.place = journal, role, place_of(agency.region, role)

    def look(self) -> Sequence[Metric]:
        """Raises what the journal raises."""
        with self.journal.read() as read:
            counts = read.tally_cases(self.role)
        return [table(self.place, "jiexu_cases", by_word((status, counts.get(status, 0)) for status in STATUS))]


class DueFigures:
    """A look at what is due."""

    def __init__(self, agency: Agency, role: Role, journal: Journal) -> None:
        self.place = place_of(agency.region, role)
        self.book = DueBook(agency, role, journal)

    def look(self) -> Sequence[Metric]:
        """Raises what the journal raises."""
        self.book.follow(time.monotonic() + CATCH_UP_SECONDS)
        rows: Rows = self.book.rows()
        return [
            table(self.place, "jiexu_obligations", rows),
            figure(self.place, "jiexu_obligations_complete", float(self.book.complete)),
        ]


def followers_behind(read: Reads, role: Role) -> dict[Labels, Tally]:
    """What each follower has still to do, by its name and the partner whom it sends to (`` for none)."""
    cursors = read.cursors()
    behind: dict[Labels, Tally] = {
        ("ledger", ""): read.tally_log(cursors.get(LEDGER_CURSOR, 0)),
        ("consequences", ""): read.tally_events_after(cursors.get(f"consequences:{role}", 0)),
        ("deadletters", ""): read.tally_parked_after(cursors.get("deadletter", 0)),
    }
    for peer in read.destinations(role):
        sent = cursors.get(f"relay:{role}:{peer}", 0)
        behind["relay", peer.region] = read.tally_bundles_to(role, peer, sent)
    to_give = read.tally_receipts_to_give(role)
    for peer in {*read.destinations(role), *to_give, *_peers_with_letters(cursors, role)}:
        stated = read.tally_letters_to(peer, cursors.get(f"letters:{role}:{peer}", 0))
        waiting = to_give.get(peer, Tally(0, None))
        oldest = min((at for at in (stated.oldest, waiting.oldest) if at is not None), default=None)
        behind["receipts", peer.region] = Tally(stated.count + waiting.count, oldest)
    return behind


def _peers_with_letters(cursors: Mapping[str, int], role: Role) -> set[Party]:
    begins = f"letters:{role}:"
    regions = {name.removeprefix(begins).split(".")[0] for name in cursors if name.startswith(begins)}
    return {Party(region, role.other) for region in regions}


def age(since: datetime | None, now: datetime) -> float:
    """Seconds since then; 0 for never, and where the clock was set back."""
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


def _words(tallies: Mapping[str, Tally]) -> dict[Labels, Tally]:
    return {(word,): tally for word, tally in tallies.items()}
