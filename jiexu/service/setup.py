"""Setting up a region: its keys, its configuration file, its empty journal, and its entry in the directory."""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from jiexu.contract.keys import create_key
from jiexu.contract.secret_files import check_private
from jiexu.contract.signing import Ed25519Signer, Signer
from jiexu.exchange.topics import DEFAULT_PARTITIONS
from jiexu.journal.opening import open_journal
from jiexu.journal.place import is_database
from jiexu.region.directory.entries import Online, OutpatientPooling, ReceivingAccount, RegionEntry
from jiexu.region.directory.file import load_participants, save_participants
from jiexu.region.directory.participants import Participants
from jiexu.region.directory.places import PoolingRegion
from jiexu.region.directory.request import requested, save_request
from jiexu.region.directory.signing import new_key, public_text, sign_entry
from jiexu.service.agency import BEIJING
from jiexu.service.config import ConfigError
from jiexu.service.issue import PROTOCOL
from jiexu.service.wiring import INDEX_KEY_BYTES, INDEX_KEY_FILE

ROOT_KEY_FILE = "root.pem"
JOURNAL_FILE = "journal.db"


def create_root(folder: Path, passphrase: str | None = None) -> Ed25519PrivateKey:
    """The directory's root key, `root.pem` in that folder (0600): made where it is missing."""
    file = folder / ROOT_KEY_FILE
    if not file.exists():
        _, made = create_key(folder, passphrase=passphrase)
        made.rename(file)
    return load_root(file, passphrase)


def load_root(file: Path, passphrase: str | None = None) -> Ed25519PrivateKey:
    """The directory's root key. Raises ConfigError where the file holds none, ContractError where it lies open."""
    try:
        if file.exists():
            check_private(file)
        key = load_pem_private_key(file.read_bytes(), password=None if passphrase is None else passphrase.encode())
    except (OSError, ValueError, TypeError):
        raise ConfigError(
            f"{file} 不是目录根密钥，或口令不对",
            f"{file} holds no root key of a directory, or its passphrase is another",
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{file} 不是 Ed25519 密钥", f"{file} holds no Ed25519 key")
    return key


def init_region(
    folder: Path,
    region: PoolingRegion,
    *,
    directory: Path,
    root: Ed25519PrivateKey | str,
    exchange: Mapping[str, str],
    bank: Path,
    partitions: int = DEFAULT_PARTITIONS,
    steps: Mapping[str, Mapping[str, str]] | None = None,
    now: datetime | None = None,
    journal: str = JOURNAL_FILE,
    journal_password_file: Path | None = None,
    request: Path | None = None,
) -> Path:
    """Make a region's folder and let it join the directory. Returns the configuration file.

    `root` is the directory's root key, or its public half (base64) where another person holds the key: then what the
    region asks that person to sign is written to `request`, and the directory comes back from there. `exchange` is the
    `[exchange]` table: `embedded` (a file) or `kafka` (bootstrap servers); `journal` a file in the folder, or a
    database's address. Refuses a folder that holds a region already: its keys and its journal are never written over.
    The configuration is written last; until it stands, whatever an earlier try left is taken up. Raises ConfigError,
    JournalError, DirectoryError.
    """
    file = folder / "region.toml"
    if file.exists():
        raise ConfigError(
            f"{file} 已存在；不会覆盖已有的地区", f"{file} exists: an existing region is never overwritten"
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    now = now or datetime.now(UTC)
    keys = folder / "keys"
    private = _signing_key(keys)
    if not (keys / INDEX_KEY_FILE).exists():
        _write_whole(keys / INDEX_KEY_FILE, os.urandom(INDEX_KEY_BYTES), 0o600)
    root_text = root if isinstance(root, str) else public_text(root)
    participants = load_participants(directory, root_text) if directory.exists() else Participants.empty(root_text)
    signer = Ed25519Signer(private)
    if participants.key(region.code, signer.key_id, now).key is None:
        entry = _entry(region, signer, None if isinstance(root, str) else root, partitions, now)
        if isinstance(root, str):
            assert request is not None, "somebody else signs"
            save_request(requested(entry, signer), request)
        else:
            signed = sign_entry(entry, root=root, region=(signer.key_id, signer))
            save_participants(participants.with_entry(signed), directory)
    place = journal if is_database(journal) else folder / journal
    open_journal(place, region.code, create=True, password_file=journal_password_file).close()
    text = _config_text(
        folder, region, directory, root_text, exchange, bank, steps or {}, journal, journal_password_file
    )
    _write_whole(file, text.encode(), 0o644)
    return file


def _signing_key(keys: Path) -> Ed25519PrivateKey:
    """The region's first key: the one that an earlier try has made, or a new one."""
    made = sorted(keys.glob("*.pem")) if keys.is_dir() else []
    return load_root(made[0] if made else create_key(keys)[1])


def _entry(
    region: PoolingRegion, key: Signer, root: Ed25519PrivateKey | None, partitions: int, now: datetime
) -> RegionEntry:
    today = now.astimezone(BEIJING).date()  # the day on which an account may begin turns there
    return RegionEntry(
        region=region.code,
        number=1,
        signed_at=now,
        online=(Online(procedure="platform", valid_from=today - timedelta(days=1)),),
        partitions=partitions,
        protocols=(PROTOCOL.hex(),),
        keys=(new_key(region.code, key.key_id, key, valid_from=now - timedelta(minutes=5), previous=None, root=root),),
        accounts=(_account(region, today),),
        outpatient_pooling=(OutpatientPooling(valid_from=date(2021, 12, 1), has_it=True),),
    )


def _account(region: PoolingRegion, today: date) -> ReceivingAccount:
    """A receiving account as a placeholder that names itself one: the office enters its own before money moves."""
    return ReceivingAccount(
        version=1,
        office=region.code,
        bank_name="示例银行",
        bank_code="000000000000",
        account_name=f"{region.name}医疗保障基金（示例）",
        account_number=f"0000{region.code}0001",
        entered_by="setup-1",
        approved_by="setup-2",
        approved_on=today,
        valid_from=today + timedelta(days=1),
    )


def _config_text(
    folder: Path,
    region: PoolingRegion,
    directory: Path,
    root: str,
    exchange: Mapping[str, str],
    bank: Path,
    steps: Mapping[str, Mapping[str, str]],
    journal: str,
    journal_password_file: Path | None,
) -> str:
    def relative(path: Path) -> str:
        return os.path.relpath(path, folder)

    lines = [
        f"# {region.name}（{region.code}）",
        f'region = "{region.code}"',
        f'directory = "{relative(directory)}"',
        f'directory_root = "{root}"',
        *([] if journal == JOURNAL_FILE else [f'journal = "{journal}"']),
        *([f'journal_password_file = "{relative(journal_password_file)}"'] if journal_password_file else []),
        "",
        "[office]",
        f'code = "{region.code}"',
        f'name = "{region.name}医疗保障经办机构"',
        "",
    ]
    if "embedded" in exchange:
        lines += ["[exchange]", f'embedded = "{relative(Path(exchange["embedded"]))}"', ""]
    else:
        lines += ["[exchange.kafka]", f'bootstrap = "{exchange["kafka"]}"', ""]
    lines += ["[platform]", 'registry = "registry.db"', f'bank = "{relative(bank)}"', ""]
    for role, modes in steps.items():
        lines += [f"[steps.{role}]", *(f'{name} = "{mode}"' for name, mode in modes.items()), ""]
    return "\n".join(lines)


def _write_whole(file: Path, data: bytes, mode: int) -> None:
    """The file whole or not at all, and nobody's but ours from its first byte on."""
    half = file.with_name(f".{file.name}.new")
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    half.replace(file)
