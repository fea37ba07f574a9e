"""The protocol table in its published form, `schemas/protocol/<n>.json`: what another implementer reads.

A case names the digest of the table that it runs under, so the file of a version never changes.
"""

import hashlib
import json

from jiexu.case.protocol import PROTOCOLS

VERSION = 1


def published_table() -> str:
    """The table as JSON text with LF, the same bytes for the same table."""
    guards = {guard.name: guard for rules in PROTOCOLS.values() for rule in rules for guard in rule.guards}
    document = {
        "version": VERSION,
        "guards": {name: {"zh": guards[name].zh, "en": guards[name].en} for name in sorted(guards)},
        "procedures": {
            name: [
                {
                    "type": rule.type,
                    "who": rule.who,
                    "permitted_when": [guard.name for guard in rule.guards],
                    "asserted": list(rule.asserted),
                }
                for rule in rules
            ]
            for name, rules in PROTOCOLS.items()
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def protocol_digest() -> bytes:
    """SHA-256 of the published table: the `protocol` of every event of a case."""
    return hashlib.sha256(published_table().encode()).digest()
