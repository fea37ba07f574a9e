"""A region's own keys: those in its folder beside those that the directory has of it, and requests to change them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from jiexu.contract.keys import FileSigner, create_key, is_encrypted
from jiexu.region.directory.entries import RegionEntry, RegionKey
from jiexu.region.directory.keystate import KeyState, key_state
from jiexu.region.directory.participants import Participants
from jiexu.region.directory.request import EntryRequest, requested
from jiexu.region.directory.rotation import revoked, rotated
from jiexu.service.config import Config, ConfigError
from jiexu.service.wiring import key_passphrase, load_signer, usable_key


@dataclass(frozen=True, slots=True)
class OwnKey:
    """One key: its file, its record in the directory (either may be missing), and what it is now.

    `ends` is the instant from which it may not sign any more, None while there is none.
    """

    key_id: str
    state: KeyState
    has_file: bool
    encrypted: bool
    signs_now: bool
    published: RegionKey | None

    @property
    def ends(self) -> datetime | None:
        """The earliest of its ends."""
        key = self.published
        ends = () if key is None else (key.valid_to, key.revoked_at, key.compromised_since)
        return min((one for one in ends if one is not None), default=None)

    def days_left(self, now: datetime) -> int | None:
        """Whole days until it ends, None where no end is set; 0 once it has."""
        return None if self.ends is None else max(0, (self.ends - now).days)


def own_keys(config: Config, participants: Participants, now: datetime) -> list[OwnKey]:
    """All keys of the region, in the order in which the directory has them; those it has not come last."""
    folder = config.path(config.keys)
    files = {file.stem: file for file in sorted(folder.glob("*.pem"))}
    published = {key.key_id: key for key in _published(config, participants)}
    signing = usable_key(config, participants, now) if published else None

    def one(key_id: str) -> OwnKey:
        key, file = published.get(key_id), files.get(key_id)
        state = KeyState.UNKNOWN if key is None else key_state(key, now)
        encrypted = file is not None and is_encrypted(file)
        return OwnKey(key_id, state, file is not None, encrypted, key_id == signing, key)

    return [one(key_id) for key_id in dict.fromkeys([*published, *files])]


def new_own_key(config: Config, suite: str) -> FileSigner:
    """Make a key in the region's folder, encrypted where a passphrase is configured.

    Raises ConfigError, ContractError.
    """
    signer, _ = create_key(config.path(config.keys), suite, key_passphrase(config))
    return signer


def request_rotation(
    config: Config,
    participants: Participants,
    *,
    now: datetime,
    valid_from: datetime,
    old_until: datetime,
    valid_to: datetime | None = None,
    key_id: str | None = None,
    suite: str | None = None,
) -> tuple[FileSigner, EntryRequest]:
    """A new key takes over at `valid_from`; the others may sign until `old_until`.

    `key_id` is one that was made before; without it one is taken that waits in the folder, or made. Raises
    ConfigError, ContractError, DirectoryError.
    """
    entry = participants.entry(config.region)
    last = entry.keys[-1]
    signing = usable_key(config, participants, now)
    if signing is None or not (config.path(config.keys) / f"{last.key_id}.pem").is_file():
        raise ConfigError(
            f"最后一把密钥 {last.key_id} 不在本机或已不能签署，新密钥无人担保。"
            f"请改用：jiexu keys revoke {last.key_id} --replace",
            f"the last key {last.key_id} is not here or may not sign, so nobody vouches for a new one. "
            f"Use: jiexu keys revoke {last.key_id} --replace",
        )
    previous = load_signer(config, last.key_id)
    new = _waiting(config, participants, now, key_id, suite or last.suite)
    after = rotated(entry, new, previous, valid_from=valid_from, old_until=old_until, valid_to=valid_to, now=now)
    return new, requested(after, _signer_of(config, after))


def request_revocation(
    config: Config,
    participants: Participants,
    key_id: str,
    *,
    now: datetime,
    at: datetime,
    compromised_since: datetime | None = None,
    replace: bool = False,
    suite: str | None = None,
) -> tuple[FileSigner | None, EntryRequest]:
    """A key is given up; with `replace` a new one takes its place at once, on the root's word where no other vouches.

    It is signed with another key of the region that may sign, else with the replacement, else by nobody. Raises
    ConfigError, ContractError, DirectoryError.
    """
    entry = participants.entry(config.region)
    known = next((key for key in entry.keys if key.key_id == key_id), None)
    new = None
    if replace:
        new = _waiting(config, participants, now, None, suite or (known or entry.keys[-1]).suite)
    after = revoked(entry, key_id, at=at, now=now, compromised_since=compromised_since, replacement=new)
    return new, requested(after, _signer_of(config, after))


def _signer_of(config: Config, entry: RegionEntry) -> FileSigner | None:
    """A key of the region that is here and may sign the entry by what the entry itself says; the newest of several."""
    folder = config.path(config.keys)
    usable = [key.key_id for key in entry.keys if key_state(key, entry.signed_at) is KeyState.USABLE]
    here = [key_id for key_id in reversed(usable) if (folder / f"{key_id}.pem").is_file()]
    return load_signer(config, here[0]) if here else None


def _waiting(config: Config, participants: Participants, now: datetime, key_id: str | None, suite: str) -> FileSigner:
    """The key that is to join: the one named, or one that waits since an earlier try, or a new one."""
    waiting = [one.key_id for one in own_keys(config, participants, now) if one.published is None]
    if key_id is not None:
        if key_id not in waiting:
            raise ConfigError(
                f"没有待加入目录的密钥 {key_id}；见 jiexu keys list",
                f"no key {key_id} waits to join the directory: see jiexu keys list",
            )
        return load_signer(config, key_id)
    for one in waiting:
        signer = load_signer(config, one)
        if signer.suite == suite:
            return signer
    return new_own_key(config, suite)


def _published(config: Config, participants: Participants) -> Iterator[RegionKey]:
    if config.region in participants.regions:
        yield from participants.entry(config.region).keys
