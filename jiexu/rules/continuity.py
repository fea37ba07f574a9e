"""Continuity of benefits (待遇衔接, domain.md §8): from when the person is covered inbound, and what must be waited.

Worked out at completion, and again when a completion is amended or reversed. A wait that no rule states is unknown:
it is said to be unknown and never guessed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from jiexu.rules.facts import Scheme
from jiexu.rules.layers import ResidentWaiting
from jiexu.rules.months import MonthTotals, Period, covered_months, month_number, month_totals, unbroken_months

GRACE_MONTHS = 3  # "3个月（含）以内": a gap of exactly three is still within (S0, S3)
UNBROKEN_MONTHS = 24  # "连续2年（含）以上" (S0, S3)
LONGEST_W3_MONTHS = 6  # "不超过6个月" (S0, S3)


class ContinuityRule(StrEnum):
    """Which rule of §8 fits."""

    NONE = "none"
    W1 = "w1"
    W2 = "w2"
    W3 = "w3"


@dataclass(frozen=True, slots=True)
class Continuity:
    """What follows for the person's benefits.

    `gap_months`: whole months between the last covered month and the first month paid inbound, 0 where there is none;
    None where nothing was covered before. `wait_months` is None and `wait_known` False where inbound's own rule
    decides and is not among the rules. `retroactive`: the gap is covered as well, being paid (W1, W2).
    """

    rule: ContinuityRule
    gap_months: int | None
    unbroken: int
    wait_months: int | None
    wait_known: bool
    retroactive: bool
    totals: MonthTotals
    zh: str
    en: str


def continuity(
    periods: Iterable[Period],
    resumed_month: str,
    from_scheme: Scheme,
    to_scheme: Scheme,
    status_change: bool,
    *,
    gap_paid: bool = True,
    w3_months: int | None = None,
    resident_wait: "Wait | None" = None,
) -> Continuity:
    """Which rule fits, and the wait in months.

    `periods`: every stretch of the form, either scheme, any region. `resumed_month`: the first month paid inbound,
    `YYYY-MM`. `status_change`: the switch between the schemes came of a change of the person's status (W2).
    `gap_paid`: the gap is paid in the month of resumption, which W1 and W2 presume unless told otherwise. `w3_months`:
    inbound's wait after a longer gap (`Ruleset.w3_months`), None where not known. `resident_wait`: what
    `resident_waiting` gave for a person who joins the resident scheme; where W1 to W3 leave a wait open or set one,
    the resident scheme's own rule goes before them, and W3's 6 months do not cap it.

    Raises ValueError for a malformed month, and for a W3 wait outside 0 to 6 months.
    """
    if w3_months is not None and not 0 <= w3_months <= LONGEST_W3_MONTHS:
        raise ValueError(f"a region's wait is at most {LONGEST_W3_MONTHS} months, not {w3_months}")
    stretches = tuple(periods)
    totals = month_totals(stretches)
    gap, unbroken = _gap(covered_months(stretches), month_number(resumed_month))

    def outcome(rule: ContinuityRule, wait: int | None, zh: str, en: str, *, retroactive: bool = False) -> Continuity:
        return Continuity(rule, gap, unbroken, wait, wait is not None, retroactive, totals, zh, en)

    if gap == 0:
        return outcome(ContinuityRule.NONE, 0, "参保没有中断，即时享受待遇", "cover has no gap: benefits at once")
    if gap is not None and gap <= GRACE_MONTHS and gap_paid:
        rule = _grace_rule(from_scheme, to_scheme, status_change, unbroken)
        if rule is not None:
            return outcome(
                rule,
                0,
                f"中断 {gap} 个月，按转入地规定补缴后，缴费当月即享受待遇，中断期间的待遇可追溯",
                f"a gap of {gap} months: once paid under inbound rules, benefits begin in the month of payment "
                "and cover the gap",
                retroactive=True,
            )
    long_gap = gap is not None and gap > GRACE_MONTHS
    rule = ContinuityRule.W3 if long_gap else ContinuityRule.NONE
    if to_scheme is Scheme.RESIDENT and resident_wait is not None:
        return outcome(rule, resident_wait.months, resident_wait.zh, resident_wait.en)
    if not long_gap:
        return outcome(
            rule,
            None,
            "不属于国家统一规定的衔接情形，等待期按转入地规定，目前未知",
            "no national rule fits; inbound's own rule decides, and it is not known here",
        )
    if w3_months is None:
        return outcome(
            rule,
            None,
            f"中断 {gap} 个月，等待期由转入地设定（不超过 {LONGEST_W3_MONTHS} 个月），目前未知",
            f"a gap of {gap} months: inbound sets a wait of at most {LONGEST_W3_MONTHS} months, not known here",
        )
    return outcome(
        rule,
        w3_months,
        f"中断 {gap} 个月，转入地等待期 {w3_months} 个月",
        f"a gap of {gap} months: inbound's wait is {w3_months} months",
    )


def _gap(covered: frozenset[int], resumed: int) -> tuple[int | None, int]:
    """The gap before the month of resumption, and the unbroken months that end with the last covered one.

    Months covered elsewhere from the month of resumption on overlap with inbound and say nothing of a gap before it.
    """
    before = [month for month in covered if month < resumed]
    if before:
        last = max(before)
        return resumed - last - 1, unbroken_months(covered, last)
    return (0 if covered else None), 0


def _grace_rule(from_scheme: Scheme, to_scheme: Scheme, status_change: bool, unbroken: int) -> ContinuityRule | None:
    if from_scheme is Scheme.EMPLOYEE and to_scheme is Scheme.EMPLOYEE:
        return ContinuityRule.W1
    if from_scheme is not to_scheme and status_change and unbroken >= UNBROKEN_MONTHS:
        return ContinuityRule.W2
    return None


@dataclass(frozen=True, slots=True)
class Wait:
    """A waiting period in months; None where no rule states it."""

    months: int | None
    zh: str
    en: str

    @property
    def known(self) -> bool:
        """Whether a rule states it."""
        return self.months is not None


def resident_waiting(
    rule: ResidentWaiting | None,
    *,
    enrolled_in_window: bool | None,
    lapsed_years: int | None,
    extra_years_paid: int = 0,
    exempt: bool = False,
) -> Wait:
    """The wait of the resident scheme (国办发〔2024〕38号), in months.

    `rule`: `Ruleset.resident_waiting(coverage_year)`, None before 2025: then inbound's own rule decides. Not enrolled
    in the window, or not unbroken: the fixed months; one more per lapsed year after the first; one less per extra
    year paid, which never touches the fixed ones; from 4 lapsed years on the sum is at least 6. `exempt`: newborns
    and similar groups. A fact that is None is not known, and neither is the wait that hangs on it.

    Raises ValueError for negative years.
    """
    if (lapsed_years or 0) < 0 or extra_years_paid < 0:
        raise ValueError("years cannot be negative")
    if rule is None:
        return Wait(None, "等待期按转入地规定，目前未知", "inbound's own rule decides, and it is not known here")
    if exempt:
        return Wait(0, "新生儿等特殊群体不设等待期", "exempt (newborns and similar groups): no wait")
    if lapsed_years is None or (lapsed_years == 0 and enrolled_in_window is None):
        return Wait(
            None,
            "是否在集中参保期参保、是否连续参保尚未核实，等待期未知",
            "enrolment in the window and lapsed years are not established: the wait is not known",
        )
    if lapsed_years == 0 and enrolled_in_window:
        return Wait(0, "在集中参保期内连续参保，不设等待期", "enrolled in the window without a break: no wait")
    variable = max(lapsed_years - 1, 0) * rule.per_further_lapsed_year
    months = rule.fixed + max(variable - extra_years_paid * rule.per_extra_year_paid, 0)
    if lapsed_years >= rule.floor_from_lapsed_years:
        months = max(months, rule.floor)
    return Wait(
        months,
        f"居民医保待遇等待期 {months} 个月（固定 {rule.fixed} 个月，其余可通过补缴减少）",
        f"a wait of {months} months in the resident scheme ({rule.fixed} fixed, the rest can be paid down)",
    )
