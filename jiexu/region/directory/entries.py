"""What a participating region publishes in the directory: one entry per region, strict and frozen.

An entry says when the region is online for which procedure, how many partitions its mailboxes have, which
protocol versions it accepts, what it promises, its public keys, the bank accounts that receive money, and
whether its residents' scheme has 门诊统筹 (domain.md §2, §6).

Days are days in Beijing; instants are aware and stored in UTC. Ranges include their first and their last day.
"""

import unicodedata
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Hashable, Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from jiexu.contract.signing import PUBLIC_KEY_SIZES

Procedure = Literal["platform", "letter", "automatic", "account_only"]
Suite = Literal["ed25519-sha256", "sm2-sm3"]
SIGNATURE_BYTES = 64


def _nfc(text: str) -> str:
    # The signed bytes must be the same on every machine, so one form of each character is let in.
    if unicodedata.normalize("NFC", text) != text:
        raise ValueError("text must be in Unicode NFC")
    return text


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC)


def _base64_of(*lengths: int) -> AfterValidator:
    def check(text: str) -> str:
        try:
            raw = b64decode(text, validate=True)
        except Base64Error:
            raise ValueError("not base64") from None
        if len(raw) not in lengths or b64encode(raw).decode() != text:
            raise ValueError(f"must be {' or '.join(map(str, lengths))} bytes in base64")
        return text

    return AfterValidator(check)


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_nfc)]
Code = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,63}$")]
KeyId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
PublicKey = Annotated[str, _base64_of(*PUBLIC_KEY_SIZES.values())]
SignatureText = Annotated[str, _base64_of(SIGNATURE_BYTES)]
Instant = Annotated[datetime, AfterValidator(_utc)]


class Strict(BaseModel):
    """Nothing is coerced, nothing unknown is let in, nothing changes afterwards."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class DayRange(Strict):
    """From a day on, to a last day or open."""

    valid_from: date
    valid_to: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from")
        return self

    def holds(self, on: date) -> bool:
        """Whether the range holds on that day, first and last day included."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


class Online(DayRange):
    """The region takes cases of this procedure over the exchange (BOTH-02)."""

    procedure: Procedure


class Promise(DayRange):
    """Fewer working days than the law gives: for a procedure and a step, by an office or the whole region (§6).

    That it is fewer and never more is checked against the ruleset, which knows the limits.
    """

    procedure: Procedure
    step: Word
    office: Text | None
    days: Annotated[int, Field(ge=1, le=60)]


class OutpatientPooling(DayRange):
    """门诊统筹 of the region, a dated fact (Wenzhou art. 54(6), domain.md §2)."""

    has_it: bool


class RegionKey(Strict):
    """A public key with which the region signs its events, vouched for by its previous key and by the root.

    `revoked_at`: given up, from then on nothing it signs is taken; a rotation sets it ahead, to the end of the
    overlap. `compromised_since`: from then on somebody else may have signed with it. Both are judged by the time of
    recording.
    """

    key_id: KeyId
    suite: Suite = "ed25519-sha256"
    public_key: PublicKey
    valid_from: Instant
    valid_to: Instant | None = None
    revoked_at: Instant | None = None
    compromised_since: Instant | None = None
    signed_by_previous: SignatureText | None
    signed_by_root: SignatureText

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must lie after valid_from")
        if len(self.raw) != PUBLIC_KEY_SIZES[self.suite]:
            raise ValueError(f"a public key of {self.suite} has {PUBLIC_KEY_SIZES[self.suite]} bytes")
        return self

    @property
    def raw(self) -> bytes:
        """The bytes of the public key."""
        return b64decode(self.public_key)


class ReceivingAccount(Strict):
    """A bank account that receives remittances. A case cites `version`; a change is a new version, never an edit.

    Two people make a change, and it takes effect the next day at the earliest (domain.md §2): a wrong or a
    smuggled account can be seen before money goes there.
    """

    version: Annotated[int, Field(ge=1)]
    office: Text
    bank_name: Text
    bank_code: Annotated[str, Field(pattern=r"^[0-9]{6,14}$")]
    account_name: Text
    account_number: Annotated[str, Field(pattern=r"^[0-9-]{5,40}$")]
    entered_by: Text
    approved_by: Text
    approved_on: date
    valid_from: date

    @model_validator(mode="after")
    def _two_people_and_a_night(self) -> Self:
        if self.entered_by == self.approved_by:
            raise ValueError("entered_by and approved_by must be two people")
        if self.valid_from <= self.approved_on:
            raise ValueError("an account takes effect the day after its approval at the earliest")
        return self


class RegionEntry(Strict):
    """All that one region publishes. `number` counts its entries from 1, so that an older one cannot come back."""

    region: Code
    number: Annotated[int, Field(ge=1)]
    signed_at: Instant
    online: tuple[Online, ...] = ()
    partitions: Annotated[int, Field(ge=1, le=1024)]
    protocols: tuple[Digest, ...]
    promises: tuple[Promise, ...] = ()
    keys: Annotated[tuple[RegionKey, ...], Field(min_length=1)]
    accounts: tuple[ReceivingAccount, ...] = ()
    outpatient_pooling: tuple[OutpatientPooling, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _unique("key_id", (key.key_id for key in self.keys))
        _unique("public_key", (key.public_key for key in self.keys))
        _unique("protocols", self.protocols)
        if [account.version for account in self.accounts] != list(range(1, len(self.accounts) + 1)):
            raise ValueError("account versions must count 1, 2, 3 …")
        if any(a.valid_from > b.valid_from for a, b in zip(self.keys, self.keys[1:], strict=False)):
            raise ValueError("keys must stand in the order in which they begin")
        return self


class EntrySignature(Strict):
    """A signature over the entry by one of the region's own keys."""

    key_id: KeyId
    signature: SignatureText


class SignedEntry(Strict):
    """An entry as it stands in the file: signed by the region, and by the directory's root.

    `by_region` is null only where the region has no key left that may sign, as when its only key was stolen.
    """

    entry: RegionEntry
    by_region: EntrySignature | None
    by_root: SignatureText


class DirectoryFile(Strict):
    """`directory.json`: the signed entries of all participating regions, in the order of their codes."""

    format: Literal["jiexu/directory/1"] = "jiexu/directory/1"
    entries: tuple[SignedEntry, ...] = ()

    @model_validator(mode="after")
    def _one_per_region(self) -> Self:
        codes = [signed.entry.region for signed in self.entries]
        if codes != sorted(set(codes)):
            raise ValueError("one entry per region, in the order of their codes")
        return self


def _unique(what: str, values: Iterable[Hashable]) -> None:
    seen = list(values)
    if len(seen) != len(set(seen)):
        raise ValueError(f"{what} must be unique")
