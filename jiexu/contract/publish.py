"""Publishing: a source schema becomes the next, never changing, version of its record."""

import hashlib
import json
from pathlib import Path

from jiexu.contract.schema_files import (
    INDEX,
    fingerprint,
    history_file,
    inline,
    published_text,
    read_index,
    read_sources,
)


def publish(name: str, root: Path) -> int | None:
    """Add the source as the next version and return its number; None where its fingerprint is published already.

    The caller asks the gate first: what is published stays for ever.
    """
    schema = inline(name, read_sources(root))
    mark = fingerprint(schema).hex()
    rows = read_index(root)
    if any(row["fingerprint"] == mark for row in rows):
        return None
    version = 1 + max((row["version"] for row in rows if row["name"] == name), default=0)
    raw = published_text(schema).encode("utf-8")
    path = history_file(root, name, version)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(raw)
    digest = hashlib.sha256(raw).hexdigest()
    rows.append({"name": name, "version": version, "fingerprint": mark, "sha256": digest})
    rows.sort(key=lambda row: (row["name"], row["version"]))
    text = "[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]\n"
    (root / "history" / INDEX).write_text(text, encoding="utf-8", newline="\n")
    return version
