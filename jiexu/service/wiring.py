"""Opening an agency's parts from its configuration, with an error that says what is missing and what to do."""

from datetime import datetime
from pathlib import Path

from jiexu.calendar import load as load_calendar
from jiexu.contract.errors import ContractError
from jiexu.contract.keys import FileSigner, load_key
from jiexu.contract.secret_files import check_private, read_secret
from jiexu.contract.signing import Signer
from jiexu.exchange.opening import open_exchange
from jiexu.exchange.port import Exchange
from jiexu.journal.opening import open_journal
from jiexu.journal.port import Journal
from jiexu.journal.sqlite import CACHE_KIB
from jiexu.region.directory.file import load_participants
from jiexu.region.directory.keystate import KeyState, key_state
from jiexu.region.directory.load import load_directory
from jiexu.region.directory.participants import Participants
from jiexu.region.registry import Bank, SqliteRegistry
from jiexu.service.agency import Agency, utc_now
from jiexu.service.config import Config, ConfigError

INDEX_KEY_FILE = "index.key"
INDEX_KEY_BYTES = 32


def open_agency(config: Config, owner: str | None = None) -> Agency:
    """Open everything. Raises ConfigError, JournalError, DirectoryError, ContractError, ExchangeError."""
    participants = load_participants(config.path(config.directory), config.directory_root)
    signer = current_signer(config, participants)
    index_key = read_index_key(config)
    registry = SqliteRegistry(
        config.path(config.platform.registry), config.region, Bank(config.path(config.platform.bank)), utc_now
    )
    agency = Agency(
        config=config,
        journal=open_configured_journal(config),
        exchange=open_configured_exchange(config),
        platform=registry,
        participants=participants,
        places=load_directory(),
        calendar=load_calendar(config.path(config.calendar) if config.calendar else None),
        signer=signer,
        index_key=index_key,
    )
    if owner is not None:
        agency.owner = owner
    return agency


def open_configured_journal(config: Config, cache_kib: int = CACHE_KIB) -> Journal:
    """The journal that the configuration names (`cache_kib`: see `open_journal`). Raises JournalError, ConfigError."""
    password_file = journal_password_file(config)
    return open_journal(config.journal_place(), config.region, password_file=password_file, cache_kib=cache_kib)


def journal_password_file(config: Config) -> Path | None:
    """The file that holds the password of the journal's database, None where there is none. Raises ConfigError."""
    if config.journal_password_file is None:
        return None
    file = config.path(config.journal_password_file)
    if not file.is_file():
        raise ConfigError(f"找不到口令文件 {file}", f"there is no password file {file}")
    return file


def open_configured_exchange(config: Config) -> Exchange:
    """The exchange that the configuration names; its files' paths are taken from the configuration's folder."""
    return open_exchange(config.exchange.under(Path(config.folder)))


def current_signer(config: Config, participants: Participants, now: datetime | None = None) -> Signer:
    """The private key whose public half the directory lets this region sign with now: the newest of several.

    Raises ConfigError, DirectoryError DIR-15 where the region has no entry.
    """
    key_id = usable_key(config, participants, now or utc_now())
    if key_id is None:
        folder = config.path(config.keys)
        raise ConfigError(
            f"{folder} 中没有目录认可且现在有效的密钥；各密钥的状态见 jiexu keys list",
            f"{folder} holds no key that the directory lets {config.region} sign with now: see jiexu keys list",
        )
    return load_signer(config, key_id)


def usable_key(config: Config, participants: Participants, now: datetime) -> str | None:
    """The id of the newest key that is here and may sign now; None where there is none. Raises DirectoryError."""
    folder = config.path(config.keys)
    for key in reversed(participants.entry(config.region).keys):
        if key_state(key, now) is KeyState.USABLE and (folder / f"{key.key_id}.pem").is_file():
            return key.key_id
    return None


def load_signer(config: Config, key_id: str) -> FileSigner:
    """One of the region's own keys. Raises ConfigError."""
    file = config.path(config.keys) / f"{key_id}.pem"
    try:
        return load_key(file, key_passphrase(config))
    except ContractError as error:
        raise ConfigError(f"密钥 {file} 不能使用：{error.zh}", f"key {file} cannot be used: {error.en}") from None


def key_passphrase(config: Config) -> str | None:
    """What the region's keys are encrypted with, None where they are not. Raises ConfigError."""
    if config.key_passphrase_file is None:
        return None
    try:
        return read_secret(config.path(config.key_passphrase_file))
    except ContractError as error:
        raise ConfigError(error.zh, error.en) from None


def read_index_key(config: Config) -> bytes:
    """The region's own key for the index of persons."""
    file = config.path(config.keys) / INDEX_KEY_FILE
    return _read_secret(file)


def _read_secret(file: Path) -> bytes:
    try:
        check_private(file)
        data = file.read_bytes()
    except ContractError as error:
        raise ConfigError(error.zh, error.en) from None
    except OSError:
        raise ConfigError(
            f"找不到 {file}；用 `jiexu region init` 建立", f"{file} is missing: `jiexu region init`"
        ) from None
    if len(data) != INDEX_KEY_BYTES:
        raise ConfigError(f"{file} 应为 {INDEX_KEY_BYTES} 字节", f"{file} must have {INDEX_KEY_BYTES} bytes")
    return data
