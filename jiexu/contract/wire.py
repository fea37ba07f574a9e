"""Avro's binary form, compiled from a published schema into one plain Python function each way.

A general Avro library interprets the schema for every record and guesses the branch of a union by trying them. It
is also lax where signed bytes must have one reading: it takes negative enum indexes and any byte for a boolean.
Here every field is straight-line code. The bytes are the same as fastavro's, which is the second opinion in the
tests; `python -m benchmarks.codec` holds both side by side (a form: 3.8 times as fast to encode, twice to decode).

Python values: Decimal, date, aware UTC datetime, `bytes` for fixed, 32 hex digits for Uuid, `str` for enums; in a
union of several kinds a named branch is `(full name, value)`.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from jiexu.contract.errors import contract_error
from jiexu.contract.schema_files import Schema

Decoder = Callable[[bytes, int, int], tuple[dict[str, Any], int]]
Encoder = Callable[[Any, bytearray], None]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
# 14 digits are the most that the contract knows; a context of its own, so that no caller's precision rounds money.
_EXACT = Context(prec=40)
_DECIMAL_BYTES_MAX = 16


def read_long(buffer: bytes, at: int, first: int) -> tuple[int, int]:
    """The rest of a zigzag varint (still zigzag) whose first byte, above 127, has been read."""
    value, shift = first & 0x7F, 7
    while True:
        byte = buffer[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 128:
            break
        shift += 7
        if shift > 63:
            raise contract_error("invalid", "varint of more than 10 bytes")
    if value >> 64:
        raise contract_error("invalid", "varint beyond 64 bits")
    return value, at


def write_long(value: int, out: bytearray) -> None:
    """A signed number as zigzag varint."""
    value = (value << 1) ^ (value >> 63)
    while value > 127:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)


def read_decimal(raw: bytes, scale: int) -> Decimal:
    """Two's complement, big-endian, unscaled."""
    if not 0 < len(raw) <= _DECIMAL_BYTES_MAX:
        raise contract_error("invalid", "decimal of a strange length")
    return _EXACT.scaleb(Decimal(int.from_bytes(raw, "big", signed=True)), -scale)


def write_decimal(value: Decimal, scale: int, out: bytearray) -> None:
    """The shortest two's complement form, as Java's BigInteger writes it."""
    unscaled = int(_EXACT.scaleb(value, scale))
    size = ((unscaled if unscaled >= 0 else ~unscaled).bit_length() >> 3) + 1
    write_long(size, out)
    out += unscaled.to_bytes(size, "big", signed=True)


def damaged(what: str) -> Exception:
    """The error of a record whose bytes no writer of this schema produces."""
    return contract_error("invalid", what)


class _Source:
    """Lines of Python under construction, with fresh names and the constants they refer to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.count = 0
        self.names: dict[str, Any] = {
            "read_long": read_long,
            "write_long": write_long,
            "read_decimal": read_decimal,
            "write_decimal": write_decimal,
            "damaged": damaged,
            "EPOCH": EPOCH,
            "MICRO": timedelta(microseconds=1),
            "timedelta": timedelta,
            "from_ordinal": date.fromordinal,
            "ORDINAL": EPOCH_ORDINAL,
        }

    def fresh(self, stem: str = "v") -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def constant(self, value: Any) -> str:
        name = self.fresh("K")
        self.names[name] = value
        return name

    def add(self, depth: int, *lines: str) -> None:
        self.lines += ["    " * depth + line for line in lines]

    def compile(self, head: str, name: str) -> Any:
        text = "\n".join([head, *self.lines])
        exec(compile(text, f"<{name}>", "exec"), self.names)  # text is made of this file's words and Avro names
        return self.names["run"]


class _Compiler:
    """What both directions share: named types by full name."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.named: dict[str, Schema] = {}
        self.source = _Source()

    def look_up(self, schema: Any) -> Any:
        """A schema with references followed; primitive types as a mapping."""
        if isinstance(schema, str):
            return self.named.get(schema) or {"type": schema}
        if isinstance(schema, dict) and schema["type"] in ("record", "enum", "fixed"):
            self.named[f"{schema['namespace']}.{schema['name']}"] = schema
        return schema

    def full_name(self, schema: Any) -> str | None:
        """The full name of a named type or of a reference to one; None for other types."""
        if isinstance(schema, str):
            return schema if schema in self.named else None
        return f"{schema['namespace']}.{schema['name']}" if "name" in schema else None


class _DecoderCompiler(_Compiler):
    def build(self) -> Decoder:
        source = self.source
        target = self.read(self.schema, 1)
        source.add(1, f"return {target}, p")
        decoder: Decoder = source.compile("def run(b, p, end):", self.schema["name"])
        return decoder

    def long(self, depth: int) -> str:
        """Lines that read a varint, zigzag still on."""
        name = self.source.fresh("n")
        self.source.add(
            depth,
            f"{name} = b[p]; p += 1",
            f"if {name} > 127: {name}, p = read_long(b, p, {name})",
        )
        return name

    def size(self, depth: int) -> str:
        """Lines that read a length and check it against what is left."""
        name = self.long(depth)
        self.source.add(
            depth,
            f"if {name} & 1: raise damaged('negative length')",
            f"q = p + ({name} >> 1)",
            "if q > end: raise IndexError",
        )
        return name

    def read(self, schema: Any, depth: int) -> str:
        """Lines that read one value; returns the expression that holds it."""
        schema = self.look_up(schema)
        if isinstance(schema, list):
            return self.union(schema, depth)
        kind, add, target = schema["type"], self.source.add, self.source.fresh()
        if kind in ("int", "long"):
            number = self.long(depth)
            logical = schema.get("logicalType")
            value = f"({number} >> 1) ^ -({number} & 1)"
            if logical == "date":
                value = f"from_ordinal(({value}) + ORDINAL)"
            elif logical == "timestamp-micros":
                value = f"EPOCH + timedelta(microseconds={value})"
            add(depth, f"{target} = {value}")
        elif kind == "string":
            self.size(depth)
            add(depth, f"{target} = b[p:q].decode(); p = q")
        elif kind == "bytes":
            self.size(depth)
            value = "b[p:q]"
            if schema.get("logicalType") == "decimal":
                value = f"read_decimal(b[p:q], {int(schema['scale'])})"
            add(depth, f"{target} = {value}; p = q")
        elif kind == "fixed":
            suffix = ".hex()" if schema["name"] == "Uuid" else ""
            add(depth, f"q = p + {int(schema['size'])}")
            add(depth, "if q > end: raise IndexError", f"{target} = b[p:q]{suffix}; p = q")
        elif kind == "boolean":
            add(depth, "if b[p] > 1: raise damaged('boolean')", f"{target} = b[p] == 1; p += 1")
        elif kind == "enum":
            number = self.long(depth)
            symbols = self.source.constant(tuple(schema["symbols"]))
            most = 2 * len(schema["symbols"])
            add(depth, f"if {number} & 1 or {number} >= {most}: raise damaged('enum index')")
            add(depth, f"{target} = {symbols}[{number} >> 1]")
        elif kind == "array":
            self.array(schema, depth, target)
        elif kind == "record":
            values = [(field["name"], self.read(field["type"], depth)) for field in schema["fields"]]
            add(depth, f"{target} = {{{', '.join(f'{name!r}: {value}' for name, value in values)}}}")
        else:
            raise contract_error("schema_store", f"type {kind}")
        return target

    def union(self, branches: list[Any], depth: int) -> str:
        target, number, add = self.source.fresh(), self.long(depth), self.source.add
        plain = branches[0] == "null"
        for index, branch in enumerate(branches):
            add(depth, f"{'if' if index == 0 else 'elif'} {number} == {2 * index}:")
            if branch == "null":
                add(depth + 1, f"{target} = None")
                continue
            value, name = self.read(branch, depth + 1), self.full_name(branch)
            if plain or name is None:
                add(depth + 1, f"{target} = {value}")
            else:
                add(depth + 1, f"{target} = ({name!r}, {value})")
        add(depth, "else: raise damaged('union index')")
        return target

    def array(self, schema: Schema, depth: int, target: str) -> None:
        add = self.source.add
        add(depth, f"{target} = []", "while True:")
        count = self.long(depth + 1)
        add(depth + 1, f"if {count} == 0: break")
        # A negative count is followed by the block's size in bytes, which a reader of all items does not need.
        add(depth + 1, f"if {count} & 1:")
        self.long(depth + 2)
        add(depth + 2, f"{count} += 1")
        # Each item takes a byte at least: a false count cannot make the loop long.
        add(depth + 1, f"if {count} >> 1 > end - p: raise IndexError")
        add(depth + 1, f"for _ in range({count} >> 1):")
        value = self.read(schema["items"], depth + 2)
        add(depth + 2, f"{target}.append({value})")


class _EncoderCompiler(_Compiler):
    def build(self) -> Encoder:
        self.write(self.schema, "m", 1)
        encoder: Encoder = self.source.compile("def run(m, o):", self.schema["name"])
        return encoder

    def long(self, expression: str, depth: int) -> None:
        name = self.source.fresh("n")
        self.source.add(
            depth,
            f"{name} = {expression}",
            f"if 0 <= {name} < 64: o.append({name} << 1)",
            f"else: write_long({name}, o)",
        )

    def write(self, schema: Any, value: str, depth: int) -> None:
        """Lines that write the value of that expression; the records are validated models."""
        schema = self.look_up(schema)
        add = self.source.add
        if isinstance(schema, list):
            self.union(schema, value, depth)
            return
        kind, logical = schema["type"], schema.get("logicalType")
        if kind in ("int", "long"):
            if logical == "date":
                value = f"{value}.toordinal() - ORDINAL"
            elif logical == "timestamp-micros":
                value = f"({value} - EPOCH) // MICRO"
            self.long(value, depth)
        elif kind == "string" or (kind == "bytes" and logical is None):
            name = self.source.fresh("s")
            add(depth, f"{name} = {value}{'.encode()' if kind == 'string' else ''}")
            self.long(f"len({name})", depth)
            add(depth, f"o += {name}")
        elif kind == "bytes":
            add(depth, f"write_decimal({value}, {int(schema['scale'])}, o)")
        elif kind == "fixed":
            add(depth, f"o += bytes.fromhex({value})" if schema["name"] == "Uuid" else f"o += {value}")
        elif kind == "boolean":
            add(depth, f"o.append({value})")
        elif kind == "enum":
            numbers = self.source.constant({symbol: 2 * i for i, symbol in enumerate(schema["symbols"])})
            add(depth, f"o.append({numbers}[{value}])")
        elif kind == "array":
            name, item = self.source.fresh("a"), self.source.fresh("i")
            add(depth, f"{name} = {value}", f"if {name}:")
            self.long(f"len({name})", depth + 1)
            add(depth + 1, f"for {item} in {name}:")
            self.write(schema["items"], item, depth + 2)
            add(depth, "o.append(0)")
        else:
            name = self.source.fresh("m")
            add(depth, f"{name} = {value}")
            for field in schema["fields"]:
                self.write(field["type"], f"{name}.{field['name']}", depth)

    def union(self, branches: list[Any], value: str, depth: int) -> None:
        name, add = self.source.fresh("u"), self.source.add
        add(depth, f"{name} = {value}")
        if branches[0] == "null":
            add(depth, f"if {name} is None: o.append(0)", "else:")
            add(depth + 1, "o.append(2)")
            self.write(branches[1], name, depth + 1)
            return
        # The one such union is Bundle's leaf: bytes, or a named fixed as (full name, value).
        named = [i for i, branch in enumerate(branches) if self.full_name(branch) is not None]
        add(depth, f"if type({name}) is tuple:")
        add(depth + 1, f"o.append({2 * named[0]})")
        self.write(branches[named[0]], f"{name}[1]", depth + 1)
        add(depth, "else:")
        other = next(i for i in range(len(branches)) if i not in named)
        add(depth + 1, f"o.append({2 * other})")
        self.write(branches[other], name, depth + 1)


def compile_decoder(schema: Schema) -> Decoder:
    """`decode(bytes, start, end) -> (record, position)`; IndexError where the bytes end too early."""
    return _DecoderCompiler(schema).build()


def compile_encoder(schema: Schema) -> Encoder:
    """`encode(model, bytearray)` appends the body."""
    return _EncoderCompiler(schema).build()
