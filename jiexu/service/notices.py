"""Notices: the sender of a record that could not be placed learns it, signed, numbered and chained.

A notice is stated in the journal, as a fact, in the transaction that parks the record; the relay sends it from there.
Only a question is answered by a notice, and none answers that, so two services cannot go on telling each other.
"""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256

from jiexu.case.event import Party, Role
from jiexu.contract.bundle import open_bundle
from jiexu.contract.codec import open_event
from jiexu.contract.errors import ContractError
from jiexu.contract.letters import make_notice
from jiexu.contract.records import record_kind
from jiexu.exchange.port import Outgoing
from jiexu.exchange.topics import topic_name
from jiexu.journal.port import Fact, Moved, ParkedRecord, Reads, Writes
from jiexu.service.agency import Agency
from jiexu.service.opening import Unplaceable

FACT = "notice"
_TEXT_MAX = 200  # characters, the contract's limit


@dataclass(frozen=True, slots=True)
class Concerned:
    """The record that a notice is about: where it stands, and the SHA-256 of its bytes."""

    topic: str
    partition: int
    offset: int
    digest: bytes


def state_notice(agency: Agency, write: Writes, role: Role, parked: ParkedRecord, why: Unplaceable) -> None:
    """State a notice about a parked record to its sender, where that is a partner with a mailbox of its own."""
    peer = _addressee(agency, role, why.sender)
    if peer is None or _kind(parked.bytes) == "Notice":
        return
    arrival = parked.arrival
    concerned = Concerned(arrival.topic, arrival.partition, arrival.offset, sha256(parked.bytes).digest())
    about = _about(parked.bytes, peer)
    _state(agency, write, role, peer, why.code, f"{why.zh} {why.en}", concerned, why.advice.wants, about)


def ask_for_last(agency: Agency, write: Writes, role: Role, peer: Party, code: str, ledger_end: Concerned) -> bytes:
    """Ask a partner for the last event of ours that it knows, in every case between the two; returns the SHA-256 of
    the question, which the answer names.

    Asked when what we signed last is in doubt (`code` says why); the record concerned is the ledger's last. Where the
    same copy is put back a second time all that is the same, and the answer that was given the first time may still lie
    in the mailbox: an id of its own keeps the questions apart.
    """
    text = (
        "本地日志曾恢复或账本有缺；请告知未结案件中本方最后的序号 Our journal is in doubt: tell us our last seq"
        f" ({agency.new_id()})"
    )
    return _state(agency, write, role, peer, code, text, ledger_end, "tell_last")


def answer_question(agency: Agency, write: Writes, role: Role, peer: Party, code: str, question: Concerned) -> None:
    """Tell a partner that what it asked for has been said, with the receipts before this notice."""
    text = "所询各案中贵方最后的事件均已回执 You have our receipts for your last event in every case"
    _state(agency, write, role, peer, code, text, question, "nothing")


def _state(
    agency: Agency,
    write: Writes,
    role: Role,
    peer: Party,
    code: str,
    text: str,
    concerned: Concerned,
    wants: str,
    about: dict[str, object] | None = None,
) -> bytes:
    number, prev = _chain_end(write, role, peer)
    letter = make_notice(
        agency.signer,
        agency.party(role),
        peer,
        number=number + 1,
        prev=prev,
        notice={"code": code, "text": _plain(text), **asdict(concerned), "about": about, "wants": wants},
    )
    said = {
        "from": role.value,
        "to": str(peer),
        "number": number + 1,
        "hash": letter.hash.hex(),
        "record": letter.bytes.hex(),
    }
    position = write.append_fact(Fact(FACT, json.dumps(said, sort_keys=True, separators=(",", ":"))))
    write.set_note(_chain(role, peer), json.dumps([number + 1, letter.hash.hex()]))
    last = json.loads(write.note(_last(role)) or "{}")
    write.set_note(_last(role), json.dumps({**last, str(peer): position}))
    return sha256(letter.bytes).digest()


def peers_with_notices(read: Reads, role: Role) -> dict[Party, int]:
    """To whom notices were stated, with the position of the last one."""
    last = json.loads(read.note(_last(role)) or "{}")
    return {Party(name.split(".")[0], role.other): position for name, position in last.items()}


def letters_cursor(role: Role, peer: Party) -> str:
    """The cursor of the receipts that were sent to a peer."""
    return f"letters:{role}:{peer}"


def send_notices(agency: Agency, role: Role, peer: Party, last: int, safe: int) -> int:
    """Send what was stated to one peer and not sent yet, after the receipts that were stated before it: a notice may
    say that these were all. Raises what the exchange raises.
    """
    name = f"notices:{role}:{peer}"
    with agency.journal.read() as read:
        stands = read.cursor(name)
        if stands >= last:
            return 0
        unsent = read.receipt_batches(read.cursor(letters_cursor(role, peer)), peer, 1)
        safe = min(safe, unsent[0][0]) if unsent else safe
        waiting = [
            (fact.position, json.loads(fact.data)) for fact in read.facts(FACT) if stands < fact.position <= safe
        ]
    mine = [(position, said) for position, said in waiting if said["from"] == role.value and said["to"] == str(peer)]
    if not mine:
        return 0
    topic = topic_name(peer.region, peer.role.value)
    agency.producer.send([Outgoing(topic, 0, None, bytes.fromhex(said["record"])) for _, said in mine])
    agency.fault("notices.sent")
    try:
        with agency.journal.write() as write:
            write.move_cursor(name, stands, mine[-1][0])
    except Moved:
        pass  # a second copy of this service sent the same
    return len(mine)


def _addressee(agency: Agency, role: Role, sender: str) -> Party | None:
    region, _, side = sender.partition(".")
    if side != role.other.value or region == agency.region or region not in agency.participants.regions:
        return None
    return Party(region, role.other)


def _about(data: bytes, sender: Party) -> dict[str, object] | None:
    """The first event of a parked bundle that is its sender's own, as far as it can be read; nothing is proved, the
    sender looks it up among its own.
    """
    try:
        if record_kind(data) != "Bundle":
            return None
        events = [open_event(leaf.event) for leaf in open_bundle(data).leaves if leaf.event is not None]
    except ContractError:
        return None
    for one in events:
        if one.signer == sender:
            return {"case_id": one.event.case_id, "hand": one.event.hand, "seq": one.event.seq}
    return None


def _chain_end(write: Writes, role: Role, peer: Party) -> tuple[int, bytes | None]:
    noted = write.note(_chain(role, peer))
    if noted is None:  # the first, or the journal was rebuilt: then the facts say it
        said = [json.loads(fact.data) for fact in write.facts(FACT)]
        noted = next(
            (json.dumps([s["number"], s["hash"]]) for s in reversed(said) if (s["from"], s["to"]) == (role, str(peer))),
            "[0, null]",
        )
    number, prev = json.loads(noted)
    return number, bytes.fromhex(prev) if prev else None


def chains_from_facts(write: Writes) -> None:
    """Put the ends of the chains as the log has them: in an old copy that has caught up the notes are behind, and the
    next notice would bear a number that a partner knows already."""
    lasts: dict[str, dict[str, int]] = {}
    for fact in write.facts(FACT):
        said = json.loads(fact.data)
        role = Role(said["from"])
        region, _, side = said["to"].partition(".")
        write.set_note(_chain(role, Party(region, Role(side))), json.dumps([said["number"], said["hash"]]))
        lasts.setdefault(_last(role), {})[said["to"]] = fact.position
    for name, positions in lasts.items():
        write.set_note(name, json.dumps(positions))


def _chain(role: Role, peer: Party) -> str:
    return f"notice_chain:{role}:{peer}"


def _last(role: Role) -> str:
    return f"notices:{role}"


def _kind(data: bytes) -> str:
    try:
        return record_kind(data)
    except ContractError:
        return ""


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:_TEXT_MAX]
