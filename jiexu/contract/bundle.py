"""Bundles: the events that one transaction decided for one mailbox partition, under one signature.

A leaf is an event's bytes, or only its hash where it is withheld; the signature covers the hashes, so it holds
either way. The signature lies outside the events: the owner can sign the same bytes anew, in another suite too.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from jiexu.case.event import Party
from jiexu.contract import models
from jiexu.contract.codec import body_schema, leaf_hash
from jiexu.contract.disclosure import Disclosure
from jiexu.contract.errors import ContractError, contract_error
from jiexu.contract.records import decode_record, encode_record, validated
from jiexu.contract.signed import (
    EVENTS,
    Header,
    SchemaRef,
    header_of,
    header_values,
    message,
    refs_of,
    verify_signed,
)
from jiexu.contract.signing import Signer

MAX_LEAVES = 256
MAX_BYTES = 512 * 1024  # half of what a Kafka broker takes by default

_HASH_BRANCH = "cn.jiexu.v1.Hash"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf: its hash, and the event's bytes unless withheld."""

    hash: bytes
    event: bytes | None


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as decoded; nothing is proved before `verify_bundle`."""

    header: Header
    leaves: tuple[Leaf, ...]
    signature: bytes
    disclosures: tuple[Disclosure, ...]

    @property
    def issuer(self) -> Party:
        """Who signed it."""
        return self.header.issuer

    @property
    def key_id(self) -> str:
        """The key that it says it was signed with."""
        return self.header.key_id

    @property
    def suite(self) -> str:
        """The suite that it says it was signed in."""
        return self.header.suite

    @property
    def schemas(self) -> tuple[SchemaRef, ...]:
        """The schemas in use."""
        return self.header.schemas

    def disclosures_of(self, leaf: int) -> tuple[Disclosure, ...]:
        """The personal values that travel with that leaf."""
        return tuple([one for one in self.disclosures if one.leaf == leaf])


def make_bundle(
    signer: Signer, issuer: Party, events: Sequence[bytes], disclosures: Sequence[Disclosure] = ()
) -> bytes:
    """Sign the events and pack them with the disclosures, whose `leaf` is the index into `events`.

    `issuer` is who signs: for attested events the side that recorded them. Raises ContractError `too_large`,
    `unknown_schema`, `invalid`.
    """
    used = {event[2:10] for event in events} | {body_schema(event) for event in events}
    leaves = tuple([Leaf(leaf_hash(event), event) for event in events])
    return pack(_signed(signer, issuer, leaves, used, tuple(disclosures)))


def make_skeleton(signer: Signer, issuer: Party, leaves: Sequence[tuple[bytes, bytes, bytes]]) -> bytes:
    """Sign events that are given as (leaf hash, fingerprint of the event, fingerprint of its body): a bundle with
    hashes for leaves. Raises as `make_bundle`.
    """
    used = {mark for _, *marks in leaves for mark in marks}
    return pack(_signed(signer, issuer, tuple([Leaf(hash, None) for hash, _, _ in leaves]), used, ()))


def _signed(
    signer: Signer,
    issuer: Party,
    leaves: tuple[Leaf, ...],
    used: Collection[bytes],
    disclosures: tuple[Disclosure, ...],
) -> Bundle:
    if not 0 < len(leaves) <= MAX_LEAVES:
        raise contract_error("too_large", f"{len(leaves)} leaves")
    header = Header(issuer, signer.key_id, signer.suite, refs_of(used))
    signature = signer.sign(message(EVENTS, header, [leaf.hash for leaf in leaves]))
    return Bundle(header, leaves, signature, disclosures)


def pack(bundle: Bundle) -> bytes:
    """The bundle's bytes. Raises ContractError `too_large`, `invalid`."""
    record = validated(
        models.Bundle,
        {
            **header_values(bundle.header),
            "leaves": [(_HASH_BRANCH, leaf.hash) if leaf.event is None else leaf.event for leaf in bundle.leaves],
            "signature": bundle.signature,
            "disclosures": [one.as_values() for one in bundle.disclosures],
        },
    )
    data = encode_record("Bundle", record)
    if len(data) > MAX_BYTES:
        raise contract_error("too_large", f"{len(data)} bytes")
    return data


def open_bundle(data: bytes) -> Bundle:
    """Read a bundle: structure and limits, nothing else.

    Raises ContractError `too_large` and those of `decode_record`.
    """
    if len(data) > MAX_BYTES:
        raise contract_error("too_large", f"{len(data)} bytes")
    record = validated(models.Bundle, decode_record(data, "Bundle"))
    leaves = tuple(
        [Leaf(leaf[1], None) if isinstance(leaf, tuple) else Leaf(leaf_hash(leaf), leaf) for leaf in record.leaves]
    )
    disclosures = tuple([Disclosure(one.leaf, one.field, one.salt, one.value) for one in record.disclosures])
    if any(one.leaf >= len(leaves) for one in disclosures):
        raise contract_error("invalid", "disclosures: leaf out of range")
    return Bundle(header_of(record), leaves, record.signature, disclosures)


def verify_bundle(bundle: Bundle, public_key: bytes) -> None:
    """Prove that the holder of that key signed these leaves under these schemas.

    The given leaves' schemas must stand in the list; those known here must be the same, others are taken as given.
    A leaf that cannot be read is left to its own opening. Raises ContractError `schema_differs`, `schemas_missing`,
    `bad_signature`, `unknown_suite`, `suite_unavailable`, `bad_key`.
    """
    verify_signed(EVENTS, bundle.header, [leaf.hash for leaf in bundle.leaves], bundle.signature, public_key)
    listed = {ref.fingerprint for ref in bundle.schemas}
    for index, leaf in enumerate(bundle.leaves):
        if leaf.event is None:
            continue
        try:
            used = {leaf.event[2:10], body_schema(leaf.event)}
        except ContractError:
            continue
        if not used <= listed:
            raise contract_error("schemas_missing", f"leaf {index}")


def sign_again(bundle: Bundle, signer: Signer) -> bytes:
    """The same leaves and schemas under another key or suite; the caller has verified the old signature."""
    header = replace(bundle.header, key_id=signer.key_id, suite=signer.suite)
    signature = signer.sign(message(EVENTS, header, [leaf.hash for leaf in bundle.leaves]))
    return pack(replace(bundle, header=header, signature=signature))


def withhold(bundle: Bundle, keep: Collection[int]) -> bytes:
    """The bundle with only those leaves given and the others as hashes; the signature still holds."""
    leaves = tuple([leaf if index in keep else Leaf(leaf.hash, None) for index, leaf in enumerate(bundle.leaves)])
    disclosures = tuple([one for one in bundle.disclosures if one.leaf in keep])
    return pack(replace(bundle, leaves=leaves, disclosures=disclosures))
