"""Whether a key may be believed at an instant. The instant is that of **recording**: an attacker writes any other."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jiexu.region.directory.entries import RegionKey


class KeyState(StrEnum):
    """What a key is at an instant. Only `usable` lets a bundle in; `unknown` and `not_yet_valid` may change."""

    USABLE = "usable"
    UNKNOWN = "unknown"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    COMPROMISED = "compromised"


_TEXTS = {
    KeyState.USABLE: ("可用", "may be used"),
    KeyState.UNKNOWN: ("目录中没有", "is not in the directory"),
    KeyState.NOT_YET_VALID: ("尚未生效", "is not valid yet"),
    KeyState.EXPIRED: ("已过期", "has expired"),
    KeyState.REVOKED: ("已吊销", "was revoked"),
    KeyState.COMPROMISED: ("可能已泄露", "may be in other hands"),
}


def state_words(state: KeyState) -> tuple[str, str]:
    """The state in Chinese and English."""
    return _TEXTS[state]


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """The judgement on one key of one region at one instant; `key` is None where it is unknown."""

    region: str
    key_id: str
    state: KeyState
    key: RegionKey | None

    @property
    def usable(self) -> bool:
        """True where what it signed may be taken in."""
        return self.state is KeyState.USABLE

    @property
    def zh(self) -> str:
        """The judgement as a Chinese sentence."""
        return f"{self.region}的密钥{self.key_id}{_TEXTS[self.state][0]}"

    @property
    def en(self) -> str:
        """The judgement as an English sentence."""
        return f"key {self.key_id} of {self.region} {_TEXTS[self.state][1]}"


def key_state(key: RegionKey, at: datetime) -> KeyState:
    """The state at `at`. The gravest answer is given first: a stolen key stays stolen after it has expired.

    Raises ValueError for an instant without a time zone.
    """
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    if key.compromised_since is not None and key.compromised_since <= at:
        return KeyState.COMPROMISED
    if key.revoked_at is not None and key.revoked_at <= at:
        return KeyState.REVOKED
    if at < key.valid_from:
        return KeyState.NOT_YET_VALID
    if key.valid_to is not None and key.valid_to <= at:
        return KeyState.EXPIRED
    return KeyState.USABLE
