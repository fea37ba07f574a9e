"""Invented people for demos and tests: the same seed gives the same people.

Nobody real can be meant: the area part of the document number is the code of a pooling region, and cards are issued
under county codes only; the phone numbers belong to no range in use.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from jiexu.region.registry import months
from jiexu.region.registry.records import AccountRow, PeriodRow, PersonRow, RelationRow, Row
from jiexu.rules.facts import Identity, RelationStatus, Scheme
from jiexu.rules.identity import RESIDENT_CARD, check_character

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰萍红玲飞鹏浩宇轩雨欣怡佳琪晨曦思远文博子涵梓睿嘉瑞雪梅海燕"
)

# Working age on the reference day: old enough to work, five years short of the lowest retirement age.
_YOUNGEST, _OLDEST = 18, 45


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """An invented person."""

    identity: Identity
    person_number: str
    sex: str
    birth_date: date
    phone: str

    def row(self) -> PersonRow:
        """The person as a registry row, with nothing standing in the way of a transfer."""
        return PersonRow(
            self.person_number,
            self.identity.name,
            self.identity.document_type,
            self.identity.document_number,
            self.sex,
            self.birth_date,
            self.phone,
            retired=False,
            of_retirement_age=False,
            in_hospital=False,
            family_sharing=False,
            unsettled_costs=False,
            unfinished_transfer_in=False,
            unfinished_transfer_out=False,
        )


def sample_person(random: Random, region: str, on: date = date(2026, 1, 1)) -> SamplePerson:
    """One invented person of working age on `on`, with a right check character; `region` has six digits."""
    if len(region) != 6 or not (region.isascii() and region.isdigit()):
        raise ValueError(f"not a region code: {region}")
    days = random.randrange(_YOUNGEST * 366, _OLDEST * 365)
    born = on - timedelta(days=days)
    order = random.randrange(1000)
    first = f"{region}{born:%Y%m%d}{order:03d}"
    given = "".join(random.choice(_GIVEN) for _ in range(random.choice((1, 2, 2))))
    return SamplePerson(
        Identity(random.choice(_SURNAMES) + given, RESIDENT_CARD, first + check_character(first)),
        person_number=f"{region}{random.randrange(10**14):014d}",
        sex="male" if order % 2 else "female",
        birth_date=born,
        phone=f"1990000{random.randrange(10**4):04d}",
    )


def leaving(random: Random, person: SamplePerson, on: date = date(2026, 1, 1)) -> list[Row]:
    """Rows that make the person ready to leave a region's employee scheme: suspended, paid months, an account."""
    last = months.index(months.of(on)) - random.randrange(1, 4)
    length = random.randrange(6, 121)
    first = last - length + 1
    number = person.person_number
    return [
        person.row(),
        RelationRow(number, Scheme.EMPLOYEE, RelationStatus.SUSPENDED, paid_through=months.name(last)),
        PeriodRow(number, "", Scheme.EMPLOYEE, months.name(first), "actual", months.name(last), length),
        AccountRow(
            number,
            balance=Decimal(random.randrange(10_00, 30_000_00)).scaleb(-2),
            interest=Decimal(random.randrange(200_00)).scaleb(-2),
            opened_on=date(first // 12, first % 12 + 1, 1),
        ),
    ]


def joining(person: SamplePerson, on: date = date(2026, 1, 1), number: str | None = None) -> list[Row]:
    """Rows that make the person enrolled in a region's employee scheme, paid for the month of `on`."""
    number = number or f"N{person.person_number}"
    enrolled = replace(person.row(), person_number=number)
    relation = RelationRow(number, Scheme.EMPLOYEE, RelationStatus.ACTIVE, paid_through=months.of(on))
    month = months.of(on)
    return [enrolled, relation, PeriodRow(number, "", Scheme.EMPLOYEE, month, "actual", month, 1)]


def sample_people(seed: int, region: str, count: int, on: date = date(2026, 1, 1)) -> Iterator[SamplePerson]:
    """So many people with different numbers, the same for the same seed."""
    draw = Random(f"{seed}/{region}")
    documents: set[str] = set()
    while len(documents) < count:
        person = sample_person(draw, region, on)
        if person.identity.document_number not in documents:
            documents.add(person.identity.document_number)
            yield person
