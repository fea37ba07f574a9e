"""Entries for the tests: keys from fixed seeds, two regions, everything valid unless a test changes it."""

from datetime import UTC, date, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jiexu.region.directory.entries import (
    Online,
    OutpatientPooling,
    Promise,
    ReceivingAccount,
    RegionEntry,
    RegionKey,
    SignedEntry,
)
from jiexu.region.directory.signing import new_key, public_text, sign_entry


def private(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


ROOT = private(1)
ROOT_PUBLIC = public_text(ROOT)
FIRST, SECOND = private(11), private(12)
WENZHOU, XIAN = "330300", "610100"
NO_OUTPATIENT_POOLING = OutpatientPooling(has_it=False, valid_from=date(2020, 1, 1), valid_to=date(2021, 12, 31))


def at(day: int, month: int = 3, year: int = 2026) -> datetime:
    return datetime(year, month, day, 9, tzinfo=UTC)


def key(number: int = 1, **changes: Any) -> RegionKey:
    """k1 from 1 January 2026, or k2 from 1 June 2026, vouched for by k1."""
    if number == 1:
        made = new_key(WENZHOU, "k1", FIRST, valid_from=at(1, 1), previous=None, root=ROOT)
    else:
        made = new_key(WENZHOU, "k2", SECOND, valid_from=at(1, 6), previous=FIRST, root=ROOT)
    return made.model_copy(update=changes)


def account(version: int = 1, **changes: Any) -> ReceivingAccount:
    values: dict[str, Any] = {
        "version": version,
        "office": "温州市医疗保险管理服务中心",
        "bank_name": "示例银行温州分行",
        "bank_code": "103333000001",
        "account_name": "温州市社会保险基金专户",
        "account_number": "1903000000000001",
        "entered_by": "张三",
        "approved_by": "李四",
        "approved_on": date(2026, 3, 2),
        "valid_from": date(2026, 3, 3),
    }
    return ReceivingAccount(**(values | changes))


def entry(**changes: Any) -> RegionEntry:
    values: dict[str, Any] = {
        "region": WENZHOU,
        "number": 1,
        "signed_at": at(2),
        "online": (Online(procedure="platform", valid_from=date(2026, 4, 1)),),
        "partitions": 6,
        "protocols": ("ab" * 32,),
        "promises": (
            Promise(procedure="letter", step="completed", office=None, days=10, valid_from=date(2026, 1, 1)),
            Promise(procedure="letter", step="completed", office="330304", days=5, valid_from=date(2026, 1, 1)),
        ),
        "keys": (key(),),
        "accounts": (account(),),
        "outpatient_pooling": (
            OutpatientPooling(has_it=False, valid_from=date(2020, 1, 1), valid_to=date(2021, 12, 31)),
        ),
    }
    return RegionEntry(**(values | changes))


def signed(of: RegionEntry | None = None) -> SignedEntry:
    return sign_entry(of or entry(), root=ROOT, region=("k1", FIRST))
