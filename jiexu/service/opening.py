"""Opening what arrives: from bytes to something proved, or to the reason why it is not. No transaction is needed."""

from dataclasses import dataclass

from jiexu.case.event import Party, Role
from jiexu.contract import models
from jiexu.contract.bundle import Bundle, open_bundle, verify_bundle, withhold
from jiexu.contract.errors import ContractError
from jiexu.contract.letters import open_notice, open_receipts, verify_notice, verify_receipts
from jiexu.contract.records import record_kind
from jiexu.contract.signed import Header
from jiexu.exchange.port import Record
from jiexu.service.agency import Agency


@dataclass(frozen=True, slots=True)
class Unplaceable:
    """Why a record or leaf cannot be placed: code, sentences, the sender as far as known. `alarm`: tell a person."""

    code: str
    zh: str
    en: str
    sender: str = ""
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class OpenedBundle:
    """A bundle whose signature was proved; `skeleton` is the bundle with hashes for leaves and no disclosures."""

    bundle: Bundle
    skeleton: bytes

    @property
    def events(self) -> list[bytes | None]:
        """The leaves' bytes in order, None where only the hash was given."""
        return [leaf.event for leaf in self.bundle.leaves]


@dataclass(frozen=True, slots=True)
class OpenedReceipts:
    """Receipts whose signature was proved."""

    issuer: Party
    payload: models.ReceiptPayload


@dataclass(frozen=True, slots=True)
class OpenedNotice:
    """A notice whose signature was proved."""

    issuer: Party
    payload: models.NoticePayload


Opened = OpenedBundle | OpenedReceipts | OpenedNotice | Unplaceable


def open_record(agency: Agency, role: Role, record: Record) -> Opened:
    """What a record in this role's mailbox is. Sender, key (by the time of recording, which is now) and signature."""
    try:
        return _open(agency, role, record.value)
    except ContractError as error:
        return Unplaceable(error.code, error.zh, error.en)


def _open(agency: Agency, role: Role, data: bytes) -> Opened:
    kind = record_kind(data)
    if kind == "Bundle":
        bundle = open_bundle(data)
        key = _key(agency, role, bundle.header)
        if isinstance(key, Unplaceable):
            return key
        verify_bundle(bundle, key)
        return OpenedBundle(bundle, withhold(bundle, ()))
    if kind == "ReceiptBatch":
        receipts = open_receipts(data)
        key = _key(agency, role, receipts.header)
        if isinstance(key, Unplaceable):
            return key
        verify_receipts(receipts, key)
        issuer = receipts.header.issuer
        return _misaddressed(agency, role, receipts.addressee, issuer) or OpenedReceipts(issuer, receipts.payload)
    if kind == "Notice":
        notice = open_notice(data)
        key = _key(agency, role, notice.header)
        if isinstance(key, Unplaceable):
            return key
        verify_notice(notice, key)
        issuer = notice.header.issuer
        return _misaddressed(agency, role, notice.addressee, issuer) or OpenedNotice(issuer, notice.payload)
    return Unplaceable("wrong_kind", f"信箱里不应有 {kind}", f"a {kind} does not belong in a mailbox")


def _key(agency: Agency, role: Role, header: Header) -> bytes | Unplaceable:
    """The sender's public key, or why the sender or the key is not to be believed."""
    sender = str(header.issuer)
    if header.issuer.role is role or header.issuer.region == agency.region:
        return Unplaceable(
            "wrong_sender",
            f"{sender} 不应投递到 {agency.party(role)} 的信箱",
            f"{sender} has no business in the mailbox of {agency.party(role)}",
            sender,
        )
    status = agency.participants.key(header.issuer.region, header.key_id, agency.clock())
    if status.key is None or not status.usable:
        return Unplaceable(f"key_{status.state}", status.zh, status.en, sender)
    return status.key.raw


def _misaddressed(agency: Agency, role: Role, addressee: Party, issuer: Party) -> Unplaceable | None:
    if addressee == agency.party(role):
        return None
    return Unplaceable("wrong_addressee", f"收件方是 {addressee}", f"it is addressed to {addressee}", str(issuer))
