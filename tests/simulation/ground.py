"""What every schedule stands on, made once a process: three regions' keys, entries and configurations.

Keys are derived from the regions' codes, so that the same seed gives the same bytes on every machine.
"""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jiexu.calendar import Calendar
from jiexu.calendar import load as load_calendar
from jiexu.contract.signing import Ed25519Signer
from jiexu.region.directory.entries import Online, OutpatientPooling, ReceivingAccount, RegionEntry
from jiexu.region.directory.file import load_participants, save_participants
from jiexu.region.directory.load import load_directory
from jiexu.region.directory.participants import Participants
from jiexu.region.directory.regions import Directory
from jiexu.region.directory.signing import new_key, public_text, sign_entry
from jiexu.service.config import Config
from jiexu.service.issue import PROTOCOL

XIAN, WENZHOU, CHENGDU = "610100", "330300", "510100"
CODES = (XIAN, WENZHOU, CHENGDU)
START = datetime(2026, 3, 9, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in Beijing
PARTITIONS = 2  # of a mailbox: enough for cases to overtake each other


@dataclass(frozen=True)
class Ground:
    """The parts that do not change while regions work."""

    participants: Participants
    places: Directory
    calendar: Calendar
    signers: Mapping[str, Ed25519Signer]
    configs: Mapping[str, Config]
    stranger: Ed25519Signer  # a key that no directory knows


def private_key(name: str) -> Ed25519PrivateKey:
    """A key that is the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"simulation {name}".encode()).digest())


def index_key(code: str) -> bytes:
    """A region's key for the index of persons."""
    return hashlib.sha256(f"index {code}".encode()).digest()


@cache
def ground() -> Ground:
    """The ground of this process."""
    root = private_key("root")
    folder = Path(tempfile.mkdtemp(prefix="simulation-"))
    participants = Participants.empty(public_text(root))
    signers = {}
    for code in CODES:
        key = private_key(code)
        signers[code] = Ed25519Signer(key)
        entry = sign_entry(_entry(code, key, root), root=root, region=(signers[code].key_id, key))
        participants = participants.with_entry(entry)
    save_participants(participants, folder / "directory.json")
    configs = {code: _config(code, folder, public_text(root)) for code in CODES}
    return Ground(
        participants=load_participants(folder / "directory.json", public_text(root)),
        places=load_directory(),
        calendar=load_calendar(None),
        signers=signers,
        configs=configs,
        stranger=Ed25519Signer(private_key("stranger")),
    )


def _config(code: str, folder: Path, root: str) -> Config:
    values = {
        "region": code,
        "office": {"code": code, "name": f"{code}医疗保障经办机构"},
        "directory": "directory.json",
        "directory_root": root,
        "exchange": {"embedded": "in memory"},
        "platform": {"registry": "in memory", "bank": "in memory"},
        "folder": str(folder),
        "log_level": "warning",
    }
    return Config.model_validate(values)


def _entry(code: str, key: Ed25519PrivateKey, root: Ed25519PrivateKey) -> RegionEntry:
    signed_at = START - timedelta(days=3)
    today = signed_at.date()
    signer = Ed25519Signer(key)
    account = ReceivingAccount(
        version=1,
        office=code,
        bank_name="示例银行",
        bank_code="000000000000",
        account_name=f"{code}医疗保障基金",
        account_number=f"0000{code}0001",
        entered_by="setup-1",
        approved_by="setup-2",
        approved_on=today,
        valid_from=today + timedelta(days=1),
    )
    return RegionEntry(
        region=code,
        number=1,
        signed_at=signed_at,
        online=(Online(procedure="platform", valid_from=today - timedelta(days=1)),),
        partitions=PARTITIONS,
        protocols=(PROTOCOL.hex(),),
        keys=(new_key(code, signer.key_id, key, valid_from=signed_at, previous=None, root=root),),
        accounts=(account,),
        outpatient_pooling=(OutpatientPooling(valid_from=date(2021, 12, 1), has_it=True),),
    )
