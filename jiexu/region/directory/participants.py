"""The signed directory of a deployment: the participating regions, and what the services ask of it.

A `Participants` was checked when it was made: every entry's signatures against the root's public key, which
stands in the deployment's configuration and not in the file. It is frozen and answers without I/O or clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from typing import Self, TypeVar

from jiexu.region.directory.entries import (
    DayRange,
    DirectoryFile,
    Procedure,
    ReceivingAccount,
    RegionEntry,
    SignedEntry,
)
from jiexu.region.directory.keystate import KeyState, KeyStatus, key_state
from jiexu.region.directory.problem import DirectoryError, Problem
from jiexu.region.directory.signing import canonical, verify_entry
from jiexu.region.directory.succession import check_succession

_Range = TypeVar("_Range", bound=DayRange)


@dataclass(frozen=True)
class Participants:
    """All participating regions by code. Make it with `checked` or `file.load_participants`."""

    root: str
    content: DirectoryFile
    version: str = field(init=False)
    _by_region: dict[str, SignedEntry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "version", sha256(canonical(self.content)).hexdigest()[:16])
        object.__setattr__(self, "_by_region", {signed.entry.region: signed for signed in self.content.entries})

    @classmethod
    def checked(cls, root: str, content: DirectoryFile) -> Self:
        """Checks all signatures against `root` (base64). Raises `DirectoryError`: DIR-12, DIR-14."""
        for signed in content.entries:
            verify_entry(signed, root)
        return cls(root, content)

    @classmethod
    def empty(cls, root: str) -> Self:
        """A directory in which nobody takes part yet."""
        return cls(root, DirectoryFile())

    def with_entry(self, signed: SignedEntry) -> "Participants":
        """The directory with a region's new entry. Raises `DirectoryError`: DIR-12, DIR-13, DIR-14.

        The entry must follow the one before it: numbered by one more, partitions unchanged, no published key
        or account rewritten, no account that takes effect before anybody could see it.
        """
        verify_entry(signed, self.root)
        region = signed.entry.region
        before = self._by_region.get(region)
        check_succession(None if before is None else before.entry, signed.entry)
        entries = sorted(
            [*(other for other in self.content.entries if other.entry.region != region), signed],
            key=lambda each: each.entry.region,
        )
        return Participants(self.root, DirectoryFile(entries=tuple(entries)))

    def older_entries(self, other: "Participants") -> tuple[str, ...]:
        """Regions whose entry in another directory is older than here, or is not there: it is not the next one."""
        theirs = {signed.entry.region: signed.entry.number for signed in other.content.entries}
        return tuple(
            signed.entry.region
            for signed in self.content.entries
            if theirs.get(signed.entry.region, 0) < signed.entry.number
        )

    @property
    def regions(self) -> tuple[str, ...]:
        """The codes of all participating regions, ascending."""
        return tuple(self._by_region)

    def entry(self, region: str) -> RegionEntry:
        """What the region has published. Raises `DirectoryError` DIR-15 where it takes no part."""
        signed = self._by_region.get(region)
        if signed is None:
            raise DirectoryError(
                Problem(
                    "DIR-15",
                    f"统筹区{region}未加入本目录",
                    f"region {region} has no entry in this directory",
                    "可等待该地上线，或改走纸质联系函流程",
                    "Wait until the region comes online, or take the letter procedure",
                )
            )
        return signed.entry

    def key(self, region: str, key_id: str, at: datetime) -> KeyStatus:
        """Whether a key may be believed at `at`, the time of **recording**.

        A region without an entry and a key without a record are both `unknown`. Raises ValueError for an
        instant without a time zone.
        """
        entry = self._find(region)
        key = None if entry is None else next((key for key in entry.keys if key.key_id == key_id), None)
        state = KeyState.UNKNOWN if key is None else key_state(key, at)
        return KeyStatus(region, key_id, state, key)

    def is_online(self, region: str, procedure: Procedure, on: date) -> bool:
        """Whether the region takes this procedure over the exchange that day (BOTH-02)."""
        entry = self._find(region)
        return entry is not None and any(online.procedure == procedure and online.holds(on) for online in entry.online)

    def online_from(self, region: str, procedure: Procedure, on: date) -> date | None:
        """The first day from `on` on which the region is online, for the reminder of §3b; None where not known."""
        entry = self._find(region)
        days = [
            max(online.valid_from, on)
            for online in (entry.online if entry else ())
            if online.procedure == procedure and (online.valid_to is None or online.valid_to >= on)
        ]
        return min(days, default=None)

    def partitions(self, region: str) -> int:
        """How many partitions the region's mailboxes have; frozen. Raises DIR-15."""
        return self.entry(region).partitions

    def accepts_protocol(self, region: str, digest: str) -> bool:
        """Whether the region accepts cases under this version of the protocol table (SHA-256, hex)."""
        entry = self._find(region)
        return entry is not None and digest in entry.protocols

    def bank_account(self, region: str, on: date, office: str | None = None) -> ReceivingAccount | None:
        """The account to which money for the region goes that day: of that office, or of any.

        The latest in effect counts; where two begin on one day, the higher version. None where there is none.
        """
        entry = self._find(region)
        in_effect = [
            account
            for account in (entry.accounts if entry else ())
            if account.valid_from <= on and office in (None, account.office)
        ]
        return max(in_effect, key=lambda account: (account.valid_from, account.version), default=None)

    def bank_account_version(self, region: str, version: int) -> ReceivingAccount | None:
        """The account that a case cites, in effect or not."""
        entry = self._find(region)
        return next((a for a in (entry.accounts if entry else ()) if a.version == version), None)

    def promised_days(self, region: str, procedure: Procedure, step: str, office: str | None, on: date) -> int | None:
        """The working days promised for a step that day, None where the law's limit stands alone.

        An office's own promise and the region's both bind it: the fewer days count. Of two promises by the same
        office the one that began later counts.
        """
        entry = self._find(region)
        promises = [
            promise
            for promise in (entry.promises if entry else ())
            if (promise.procedure, promise.step) == (procedure, step) and promise.holds(on)
        ]
        of_region = _latest(promise for promise in promises if promise.office is None)
        of_office = _latest(promise for promise in promises if office is not None and promise.office == office)
        return min((promise.days for promise in (of_region, of_office) if promise is not None), default=None)

    def has_outpatient_pooling(self, region: str, on: date) -> bool:
        """Whether the region has 门诊统筹 that day; where nothing is stated it has (domain.md §2)."""
        entry = self._find(region)
        fact = _latest(fact for fact in (entry.outpatient_pooling if entry else ()) if fact.holds(on))
        return True if fact is None else fact.has_it

    def _find(self, region: str) -> RegionEntry | None:
        signed = self._by_region.get(region)
        return None if signed is None else signed.entry


def _latest(ranges: Iterable[_Range]) -> _Range | None:
    return max(ranges, key=lambda each: each.valid_from, default=None)
