"""Taking in another journal's lines, and building the tables anew from the log."""

import uuid
from collections.abc import Sequence
from itertools import pairwise

from jiexu.journal.block import PAGE
from jiexu.journal.log_records import decode_line
from jiexu.journal.port import JournalConflict, LogLine
from jiexu.journal.tables import Entry, apply, clear
from jiexu.journal.write_block import WriteBlock


def new_incarnation() -> str:
    """A new incarnation id: 32 hex digits, random."""
    return uuid.uuid4().hex


class LogWrites(WriteBlock):
    """The log as a whole."""

    def absorb(self, lines: Sequence[LogLine]) -> int:
        """Take in log lines, by position without gaps, and return how many were new.

        The cases of new lines go on the agenda; claims that stand open count as begun, since their "begun" may be
        among what was lost. Raises JournalConflict where a line differs from what stands here, or cannot follow it;
        ValueError where a position is missing.
        """
        for before, line in pairwise(lines):
            if line.position != before.position + 1:
                raise ValueError(f"position {before.position + 1} is missing before {line.position}")
        if not lines:
            return 0
        if lines[0].position > self._last + 1:
            raise ValueError(f"position {self._last + 1} is missing before {lines[0].position}")
        known = [line for line in lines if line.position <= self._last]
        if known:
            for line, stands in zip(known, self.log(known[0].position - 1, len(known)), strict=True):
                if line != stands:
                    raise JournalConflict(f"position {line.position} holds another line here")
        new = lines[len(known) :]
        if not new:
            return 0
        with self._all_or_nothing():
            self._add_lines(new)
            self._fault("log_written")
            self._apply(new)
            self._fault("tables_written")
            self._presume_begun()
        return len(new)

    def renew_incarnation(self) -> str:
        """A new incarnation id, for lines from now on; claims that stand open count as begun, as after any loss."""
        incarnation = new_incarnation()
        self._sql.run("UPDATE meta SET value = ? WHERE name = 'incarnation'", (incarnation,))
        self._incarnation = bytes.fromhex(incarnation)
        self._presume_begun()
        return incarnation

    def rebuild(self) -> None:
        """Drop every table that is a function of the log and build it again; every case goes on the agenda.

        The read model of cases is dropped too: the service puts it again. Rows of open_moves stay until `clear_rows`.
        """
        with self._all_or_nothing():
            clear(self._sql)
            self._sql.run("DELETE FROM cases")
            after = 0
            while lines := self.log(after, PAGE):
                self._apply(lines)
                after = lines[-1].position

    def _apply(self, lines: Sequence[LogLine]) -> None:
        entries: list[Entry] = [(line.position, decode_line(line.kind, line.payload, self._decode)) for line in lines]
        try:
            apply(self._sql, entries)
        except self._sql.broken_rule as error:
            where = f"positions {lines[0].position} to {lines[-1].position}"
            raise JournalConflict(f"{where} cannot follow what stands here: {error}") from error

    def _presume_begun(self) -> None:
        self._sql.run(
            "INSERT INTO claim_owners (claim, owner, lease_until, presumed_begun)"
            " SELECT position, '', 0, 1 FROM claims WHERE ended IS NULL"
            " ON CONFLICT (claim) DO UPDATE SET owner = '', lease_until = 0, presumed_begun = 1"
        )
