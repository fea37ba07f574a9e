"""Opening what arrives: from bytes to something proved, or to the reason why it is not. No transaction is needed."""

import json
from dataclasses import dataclass

from jiexu.case.event import Event, Party, Role
from jiexu.contract import models
from jiexu.contract.bundle import Bundle, open_bundle, verify_bundle, withhold
from jiexu.contract.codec import OpenedEvent, open_event
from jiexu.contract.disclosure import Disclosure
from jiexu.contract.errors import ContractError
from jiexu.contract.letters import open_notice, open_receipts, verify_notice, verify_receipts
from jiexu.contract.records import decode_record, record_kind
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

    @property
    def advice(self) -> "Advice":
        """What to do about it here, and what the sender is asked for."""
        return ADVICE.get(self.code, _ASK)


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a parked record, and what a notice asks of its sender (`wants` of the contract)."""

    zh: str
    en: str
    wants: str


_ASK = Advice("请联系对方更正后重新发送", "ask the sender to correct it and send it again", "send_again")
_SIGN = Advice("请对方以有效密钥重新签署并发送", "ask the sender to sign it anew with a valid key", "sign_again")
_SETTLE = Advice("请凭所存原件与对方核对", "settle it with the partner; the signed record is kept as proof", "nothing")
_ROUTE = Advice("请核对主题的写入权限与投递地址", "check who may write to this mailbox, and its address", "nothing")
_WAIT = Advice("更新目录或程序后会自动重试", "it is tried again by itself once directory or program know it", "nothing")
_GAP = Advice("请对方补发所缺事件，再重试", "ask the partner to send what is missing, then try it again", "send_again")

ADVICE = {
    **dict.fromkeys(
        ("key_unknown", "key_not_yet_valid", "unknown_schema", "held_unknown", "unknown_suite", "suite_unavailable"),
        _WAIT,
    ),
    **dict.fromkeys(("key_expired", "key_revoked", "key_compromised", "bad_signature", "bad_key"), _SIGN),
    **dict.fromkeys(("other_content", "event_id_reused", "broken_link", "second_application", "third_region"), _SETTLE),
    **dict.fromkeys(("wrong_sender", "wrong_addressee", "wrong_kind", "wrong_issuer"), _ROUTE),
    **dict.fromkeys(("held_gap", "held_quota"), _GAP),
    "held_seen": Advice(
        "请核查日志是否为旧副本，再重试", "check whether this journal is an old copy, then try again", "tell_last"
    ),
    "same_pooling_region": Advice(
        "请在本统筹区内办理参保信息变更，不需转移",
        "nothing is transferred: change the data within the region",
        "nothing",
    ),
}


@dataclass(frozen=True, slots=True)
class OpenedLeaf:
    """A leaf whose event was given: its place in the bundle, its bytes, and what they say or why they say nothing."""

    leaf: int
    data: bytes
    content: OpenedEvent | Unplaceable
    values: tuple[Disclosure, ...]


@dataclass(frozen=True, slots=True)
class OpenedBundle:
    """A bundle whose signature was proved; `skeleton` is the bundle with hashes for leaves and no disclosures.

    `leaves` are those that were given; of the others only the hash stands in the bundle.
    """

    bundle: Bundle
    skeleton: bytes
    leaves: tuple[OpenedLeaf, ...]

    @property
    def issuer(self) -> Party:
        """Who signed it."""
        return self.bundle.issuer

    @property
    def events(self) -> list[Event]:
        """The events that could be read."""
        return [leaf.content.event for leaf in self.leaves if isinstance(leaf.content, OpenedEvent)]


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

    @property
    def told(self) -> str:
        """What tells one notice from another, as JSON: the event it is about or, where it names none, its number."""
        about = self.payload.about
        what = {"number": self.payload.number} if about is None else {"case_id": about.case_id, "seq": about.seq}
        return json.dumps({"from": str(self.issuer), "wants": self.payload.wants, **what})


Opened = OpenedBundle | OpenedReceipts | OpenedNotice | Unplaceable


def open_record(agency: Agency, role: Role, record: Record) -> Opened:
    """What a record in this role's mailbox is. Sender, key (by the time of recording, which is now) and signature."""
    try:
        return _open(agency, role, record.value)
    except ContractError as error:
        detail = f" ({error.detail})" if error.detail else ""
        return Unplaceable(error.code, f"{error.zh}{detail}", f"{error.en}{detail}", _claimed_sender(record.value))


def _claimed_sender(data: bytes) -> str:
    """Who the record says it is from, as far as it can be read; nothing is proved."""
    try:
        issuer = decode_record(data, record_kind(data))["issuer"]
    except (ContractError, KeyError):
        return ""
    return f"{issuer['region']}.{issuer['role']}"


def _open(agency: Agency, role: Role, data: bytes) -> Opened:
    kind = record_kind(data)
    if kind == "Bundle":
        bundle = open_bundle(data)
        key = _key(agency, role, bundle.header)
        if isinstance(key, Unplaceable):
            return key
        verify_bundle(bundle, key)
        return OpenedBundle(bundle, withhold(bundle, ()), _leaves(bundle))
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


def _leaves(bundle: Bundle) -> tuple[OpenedLeaf, ...]:
    values: dict[int, list[Disclosure]] = {}
    for one in bundle.disclosures:
        values.setdefault(one.leaf, []).append(one)
    return tuple(
        [
            OpenedLeaf(place, leaf.event, _open_leaf(leaf.event, bundle.issuer), tuple(values.get(place, ())))
            for place, leaf in enumerate(bundle.leaves)
            if leaf.event is not None
        ]
    )


def _open_leaf(data: bytes, signer: Party) -> OpenedEvent | Unplaceable:
    try:
        return open_event(data)
    except ContractError as error:
        detail = f" ({error.detail})" if error.detail else ""
        return Unplaceable(error.code, f"{error.zh}{detail}", f"{error.en}{detail}", str(signer))


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
