"""What can be wrong with a record, as values: a code, a sentence for the clerk, the details."""


class ContractError(Exception):
    """A record or a request that breaks the contract.

    `code` is stable and meant for programs; `zh` and `en` are sentences for people; `detail` says where, without
    personal data (values are never repeated, only field paths and lengths).
    """

    def __init__(self, code: str, zh: str, en: str, detail: str = "") -> None:
        super().__init__(f"{code}: {zh} {en}{f' ({detail})' if detail else ''}")
        self.code = code
        self.zh = zh
        self.en = en
        self.detail = detail


_SENTENCES = {
    "not_avro": ("不是 Avro 单对象记录。", "Not a record in Avro single-object encoding."),
    "unknown_schema": ("记录所用的模式未知，请升级。", "The record's schema is not known here; upgrade."),
    "wrong_schema": ("记录的种类不符。", "The record is of another kind than expected."),
    "truncated": ("记录不完整。", "The record ends too early."),
    "trailing_bytes": ("记录末尾有多余字节。", "Bytes follow the end of the record."),
    "invalid": ("记录内容不符合约定。", "The record's content breaks the contract."),
    "too_large": ("记录超过规定的大小。", "The record is larger than allowed."),
    "schema_differs": (
        "对方所用模式与本地已发布的不同。",
        "A schema of the same fingerprint is published here with other text.",
    ),
    "schemas_missing": ("签名未列明所用的模式。", "A schema in use is not listed under the signature."),
    "bad_signature": ("签名不正确。", "The signature is wrong."),
    "unknown_suite": ("签名算法套件未知。", "The signature suite is not known."),
    "suite_unavailable": (
        "本机未安装该签名算法套件，请安装附加组件 jiexu[sm]。",
        "The signature suite is not installed here; install the extra jiexu[sm].",
    ),
    "bad_key": ("密钥无效。", "The key cannot be used."),
    "unsafe_key_file": ("私钥文件的权限过宽，拒绝读取。", "The private key can be read by others; refused."),
    "key_passphrase": (
        "私钥的口令缺失或不对，请核对配置中的 key_passphrase_file。",
        "The private key's passphrase is missing or not its own; check key_passphrase_file in the configuration.",
    ),
    "not_normalized": ("文本不是 NFC 形式。", "The text is not in NFC."),
    "schema_store": ("模式目录不完整或有误。", "The directory of schemas is incomplete or wrong."),
}


def contract_error(code: str, detail: str = "") -> ContractError:
    """The error of that code with its sentences."""
    zh, en = _SENTENCES[code]
    return ContractError(code, zh, en, detail)
