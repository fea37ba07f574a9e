"""The contract on the wire: events, bundles, receipts, disclosures, and the schemas that they are written in.

Everything that another room needs is named here; `schemas/` is what other implementations code against.
"""

from jiexu.contract.bundle import (
    MAX_BYTES,
    MAX_LEAVES,
    Bundle,
    Leaf,
    make_bundle,
    open_bundle,
    pack,
    sign_again,
    verify_bundle,
    withhold,
)
from jiexu.contract.codec import (
    OpenedEvent,
    SealedEvent,
    decode_event_trusted,
    encode_body,
    leaf_hash,
    open_event,
    seal_event,
)
from jiexu.contract.disclosure import (
    Disclosure,
    DisclosureCheck,
    check_disclosures,
    conceal,
    disclose,
    disclosure_digest,
    personal_fields,
)
from jiexu.contract.errors import ContractError
from jiexu.contract.keys import create_key, load_key
from jiexu.contract.letters import (
    Notice,
    Receipts,
    SealedLetter,
    make_notice,
    make_receipts,
    open_notice,
    open_receipts,
    verify_notice,
    verify_receipts,
)
from jiexu.contract.models import BODIES
from jiexu.contract.records import decode_record, encode_record, record_kind
from jiexu.contract.schema_files import schema_root, schema_store
from jiexu.contract.signed import Header, SchemaRef
from jiexu.contract.signing import Ed25519Signer, Signer, Sm2Signer, key_id_of

__all__ = [
    "BODIES",
    "MAX_BYTES",
    "MAX_LEAVES",
    "Bundle",
    "ContractError",
    "Disclosure",
    "DisclosureCheck",
    "Ed25519Signer",
    "Header",
    "Leaf",
    "Notice",
    "OpenedEvent",
    "Receipts",
    "SchemaRef",
    "SealedEvent",
    "SealedLetter",
    "Signer",
    "Sm2Signer",
    "check_disclosures",
    "conceal",
    "create_key",
    "decode_event_trusted",
    "decode_record",
    "disclose",
    "disclosure_digest",
    "encode_body",
    "encode_record",
    "key_id_of",
    "leaf_hash",
    "load_key",
    "make_bundle",
    "make_notice",
    "make_receipts",
    "open_bundle",
    "open_event",
    "open_notice",
    "open_receipts",
    "pack",
    "personal_fields",
    "record_kind",
    "schema_root",
    "schema_store",
    "seal_event",
    "sign_again",
    "verify_bundle",
    "verify_notice",
    "verify_receipts",
    "withhold",
]
