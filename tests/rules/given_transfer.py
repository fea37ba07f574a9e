"""A transfer with nothing against it, and ways to spoil one thing at a time."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from jiexu.case.event import Role
from jiexu.rules.checks import CheckContext, Outcome, Verdict, run_checks
from jiexu.rules.facts import (
    Application,
    Identity,
    JournalFacts,
    PersonFacts,
    Relation,
    RelationStatus,
    Scheme,
)
from jiexu.rules.ruleset import Ruleset, ruleset_for

EMPLOYEE, RESIDENT = Scheme.EMPLOYEE, Scheme.RESIDENT
OUT, IN = Role.OUTBOUND, Role.INBOUND
TODAY = date(2026, 3, 10)
ZHANG = Identity("张三", "01", "61010119900101001X")
LODGER_CASE = "0190a1b2c3d4e5f60718293a4b5c6d7e"


def application(**changes: Any) -> Application:
    """The person applies, employee to employee, from 610100 to 330300."""
    return replace(
        Application(
            identity=ZHANG,
            outbound="610100",
            inbound="330300",
            from_scheme=EMPLOYEE,
            to_scheme=EMPLOYEE,
            applied_on=TODAY,
        ),
        **changes,
    )


def relation(scheme: Scheme, status: RelationStatus, **changes: Any) -> Relation:
    """An employed person's relation, or a resident's."""
    kind = "employed" if scheme is EMPLOYEE else "resident"
    employer = "甲公司" if scheme is EMPLOYEE else None
    return replace(Relation(scheme, status, kind=kind, employer=employer), **changes)


def out_facts(*relations: Relation, **changes: Any) -> PersonFacts:
    """Outbound: suspended, money in the account, nothing unfinished."""
    given = PersonFacts(
        region="610100",
        identities=[ZHANG],
        relations=relations or [relation(EMPLOYEE, RelationStatus.SUSPENDED)],
        balance=Decimal("1234.56"),
        in_hospital=False,
        retired=False,
        family_sharing=False,
        unsettled_costs=False,
        active_months=["2025-11", "2025-12"],
    )
    return replace(given, **changes)


def in_facts(*relations: Relation, **changes: Any) -> PersonFacts:
    """Inbound: enrolled and paid."""
    given = PersonFacts(
        region="330300",
        identities=[ZHANG],
        relations=relations or [relation(EMPLOYEE, RelationStatus.ACTIVE, employer="乙公司")],
        of_retirement_age=False,
        current_month_paid=True,
        active_months=["2026-01", "2026-02"],
    )
    return replace(given, **changes)


def context(role: Role, *, is_lodger: bool = False, ruleset: Ruleset | None = None, **changes: Any) -> CheckContext:
    """Both regions online and different, the other side's statement known where it has spoken."""
    given = CheckContext(
        role=role,
        is_lodger=is_lodger,
        procedure="platform",
        ruleset=ruleset or ruleset_for("130100", "140100", TODAY),
        today=TODAY,
        outbound_online=True,
        inbound_online=True,
        same_pooling_region=False,
        other_identity=None if is_lodger else ZHANG,
        other_active_months=None if is_lodger else [],
    )
    return replace(given, **changes)


def judge(
    role: Role,
    *,
    applied: Application | None = None,
    facts: PersonFacts | None = None,
    journal: JournalFacts | None = None,
    **of_context: Any,
) -> dict[str, Verdict]:
    """All verdicts of one side by code."""
    own = facts or (out_facts() if role is OUT else in_facts())
    verdicts = run_checks(None, applied or application(), own, journal or JournalFacts(), context(role, **of_context))
    return {verdict.code: verdict for verdict in verdicts}


def outcomes(verdicts: dict[str, Verdict]) -> dict[str, Outcome]:
    """Outcomes by code."""
    return {code: verdict.outcome for code, verdict in verdicts.items()}
