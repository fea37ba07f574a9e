"""The forms of values that the generated models share, and the base of every model.

Strict and frozen: an unknown field, `True` or 3.7 for a number, a naive time or a time that is not UTC are refused.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, Strict
from pydantic_core import CoreSchema, core_schema


class Record(BaseModel):
    """Base of every generated model."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class _UtcSchema:
    """A datetime whose offset is exactly zero: a naive time would silently become local time when written."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.datetime_schema(strict=True, tz_constraint=0, microseconds_precision="error")


INT_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1

# `tuple` is not strict so that a list, which is what a decoder gives, is taken too; the items stay strict.
Loose = Strict(False)

Instant = Annotated[datetime, _UtcSchema]
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]  # 16 bytes on the wire, 32 hex digits in Python
Fingerprint = Annotated[bytes, Field(min_length=8, max_length=8)]
Salt = Annotated[bytes, Field(min_length=16, max_length=16)]
Hash = Annotated[bytes, Field(min_length=32, max_length=32)]
Digest = Annotated[bytes, Field(min_length=32, max_length=32)]
Money = Annotated[Decimal, Field(max_digits=14, decimal_places=2)]


def money_sum(amounts: Sequence[Decimal]) -> Decimal:
    """The sum in yuan."""
    return sum(amounts, Decimal("0.00"))
