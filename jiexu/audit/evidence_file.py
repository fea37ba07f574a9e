"""The form of an evidence file: a zip of raw signed records, a list of them, and a page that says how to check it.

evidence.json     what is in the file, and what its exporter says of it (nothing there is signed)
bundles/N.avro    a Bundle of the contract: the case's events, those of other cases as hashes only, the signature,
                  and those personal values that are not withheld
receipts/N.avro   a ReceiptBatch of the contract that names the case, as its signer sent it
"""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from jiexu.contract.bundle import MAX_BYTES

FORMAT: Final = "jiexu/evidence/1"
LIST = "evidence.json"
PAGE = "README.txt"
# A case has tens of events; whatever is larger was not made by the export, and is not unpacked.
MAX_FILES = 10_000
MAX_LIST_BYTES = 16 * 1024 * 1024
# The same case and the same choice of fields give the same bytes: the entries of a zip must bear some time.
_NO_TIME = (1980, 1, 1, 0, 0, 0)

_PAGE = """接续 证据文件 jiexu/evidence/1

核验 check it:  jiexu audit check FILE --directory directory.json --root 根公钥
目录与根公钥请从可信来源取得，不在本文件内。 Take the directory and its root's key from a source that you trust.

不用本程序也能核验，按 docs/contract/implementers.md 与 schemas/：
Without this program, by docs/contract/implementers.md and schemas/:
  1. bundles/N.avro 是 Bundle 单对象记录；叶哈希 = SHA-256(00 ‖ 事件字节)，未给出的叶只有哈希。
     Each is a Bundle; a leaf's hash is SHA-256(00 ‖ event bytes); of leaves that are not given only the hash stands.
  2. 签名覆盖全部叶哈希，公钥见目录。 The signature covers all leaf hashes; the public key stands in the directory.
  3. 个人信息是摘要；给出的值连同盐应得出该摘要，未给出的即为保留。
     Personal fields are digests; a value that is given makes its digest with its salt; what is not given is withheld.
  4. 同一序列按 seq 与 prev_hash 相接；seen 指对方事件的叶哈希。
     A hand is chained by seq and prev_hash; `seen` names leaf hashes of the other side.
  5. 到期与密钥状态按收录时间判断，收录时间为出具方所述。
     Keys are judged by the time of recording, which is the exporter's own statement.
文件证明所列事件；不能证明其后再无事件。 It proves the events in it, not that nothing came after them.
"""


class EvidenceError(Exception):
    """An evidence file that cannot be made or read: a code for programs, sentences for people.

    Codes: `unknown_case`, `unknown_field`, `unsigned`, `not_evidence`, `newer_version`.
    """

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(f"{code}: {zh} {en}")
        self.code, self.zh, self.en = code, zh, en


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class StatedArrival(_Strict):
    """Where and when a record reached the exporter's mailbox."""

    topic: str
    partition: int
    offset: int
    appended_at: AwareDatetime


class StatedRecord(_Strict):
    """A signed record in the file; `received` is null for the exporter's own."""

    file: str
    recorded_at: AwareDatetime
    received: StatedArrival | None = None


class StatedReceipt(_Strict):
    """A receipt that the exporter got, as its journal has it: the partner's signature over it is not kept."""

    of: str
    hand: str
    seq: int
    hash: str
    arrival: StatedArrival
    recorded_at: AwareDatetime
    own_last_seq: int


class _Format(BaseModel):
    """As much of the list as every version has."""

    format: str


class Contents(_Strict):
    """`evidence.json`. `withheld` and `erased` are `hand seq field`: values that the exporter kept back or lacks."""

    format: Literal["jiexu/evidence/1"]
    case_id: str = Field(pattern="^[0-9a-f]{32}$")
    region: str
    exported_at: AwareDatetime
    status: str
    state_hash: str
    bundles: tuple[StatedRecord, ...]
    receipts_given: tuple[StatedRecord, ...]
    receipts_got: tuple[StatedReceipt, ...]
    withheld: tuple[str, ...]
    erased: tuple[str, ...]


def write_file(path: Path, contents: Contents, records: Mapping[str, bytes]) -> None:
    """Write the file whole, readable by its owner only: it may hold personal values. Raises FileExistsError."""
    entries = {PAGE: _PAGE.encode(), LIST: contents.model_dump_json(indent=1).encode() + b"\n", **records}
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with (
            os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name, data in entries.items():
                entry = zipfile.ZipInfo(name, _NO_TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o600 << 16
                archive.writestr(entry, data)
        os.link(unfinished, path)  # unlike a rename it never replaces another file
    finally:
        unfinished.unlink(missing_ok=True)


def read_file(path: Path) -> tuple[Contents, dict[str, bytes]]:
    """What is in the file; nothing is proved. Raises EvidenceError `not_evidence`, `newer_version`; OSError."""
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
            if LIST not in sizes or len(sizes) > MAX_FILES or sizes[LIST] > MAX_LIST_BYTES:
                raise _not_evidence(path)
            contents = _contents(path, archive.read(LIST))
            records = {}
            for stated in (*contents.bundles, *contents.receipts_given):
                if sizes.get(stated.file, MAX_BYTES + 1) > MAX_BYTES:
                    raise _not_evidence(path, stated.file)
                records[stated.file] = archive.read(stated.file)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise _not_evidence(path) from error
    return contents, records


def _contents(path: Path, data: bytes) -> Contents:
    try:
        made_as = _Format.model_validate_json(data).format
        if made_as != FORMAT and made_as.startswith(FORMAT.rpartition("/")[0]):
            zh, en = f"{path} 由更新的版本出具，请升级", f"{path} was made by a newer version: upgrade"
            raise EvidenceError("newer_version", zh, en)
        return Contents.model_validate_json(data)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise _not_evidence(path, f"{LIST} {place}") from error


def _not_evidence(path: Path, where: str = "") -> EvidenceError:
    detail = f" ({where})" if where else ""
    return EvidenceError("not_evidence", f"{path} 不是证据文件{detail}", f"{path} is no evidence file{detail}")
