"""Publishing: a source schema becomes the next, never changing, version of its record, with a golden sample."""

import hashlib
import json
from pathlib import Path

from jiexu.contract.errors import contract_error
from jiexu.contract.golden import encode_sample, from_json, golden_file, to_json
from jiexu.contract.schema_files import (
    INDEX,
    Published,
    fingerprint,
    history_file,
    inline,
    published_names,
    published_text,
    read_index,
    read_sources,
)


def publish(name: str, root: Path, sample: str) -> int | None:
    """Add the source as the next version and return its number; None where its fingerprint is published already.

    `sample` is JSON text with the values of the version's golden sample. The caller asks the gate first: what is
    published stays for ever. Raises ContractError `unknown_schema` for a name that is no record of its own, and
    `invalid` where the sample does not fit; nothing is written then.
    """
    sources = read_sources(root)
    if name not in published_names(sources):
        raise contract_error("unknown_schema", name)
    schema = inline(name, sources)
    mark = fingerprint(schema)
    rows = read_index(root)
    if any(row["fingerprint"] == mark.hex() for row in rows):
        return None
    version = 1 + max((row["version"] for row in rows if row["name"] == name), default=0)
    raw = published_text(schema).encode("utf-8")
    published = Published(name, version, mark, hashlib.sha256(raw).digest(), schema)
    try:
        values = from_json(published, sample)
        data = encode_sample(published, values)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise contract_error("invalid", f"sample: {error!r}"[:200]) from error

    _write(golden_file(root, name, version, "avro"), data)
    _write(golden_file(root, name, version, "json"), to_json(values).encode("utf-8"))
    _write(history_file(root, name, version), raw)
    row = {"name": name, "version": version, "fingerprint": mark.hex(), "sha256": published.digest.hex()}
    rows = sorted([*rows, row], key=lambda row: (row["name"], row["version"]))
    # The index is written last: until then the new files are strangers to everyone, and the gate says so.
    text = "[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]\n"
    _write(root / "history" / INDEX, text.encode("utf-8"))
    return version


def _write(path: Path, raw: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(raw)
