"""Which way the personal account goes: the outcome table of domain.md §2, read from the ruleset."""

from decimal import Decimal
from typing import Literal

from jiexu.rules.facts import Scheme
from jiexu.rules.layers import MoneyOutcome, MoneyRow
from jiexu.rules.ruleset import Ruleset


def money_outcome(
    ruleset: Ruleset,
    *,
    from_scheme: Scheme,
    to_scheme: Scheme,
    amount: Decimal,
    inbound_has_account: bool = True,
    inbound_has_outpatient_pooling: bool = True,
    died: bool = False,
    choice: Literal["pay_to_person"] | None = None,
) -> MoneyOutcome:
    """The outcome of the form's amount (个人账户实际转出资金, in yuan), under the rules frozen for the case.

    The outbound region's overlay is asked first, since it is outbound that pays out; then the national table. In each
    the first row that fits wins. An overlay never decides for the dead and never for an empty account. `inbound_has_*`
    are dated facts of the directory of regions; `choice` is what the person asked for, where the rules leave a choice.

    Raises ValueError for a negative amount: an overdraft is settled before anything moves (OUT-03).
    """
    if amount < 0:
        raise ValueError("a negative amount cannot move")
    zero = amount == 0

    def fits(row: MoneyRow) -> bool:
        return (
            row.from_scheme in (None, from_scheme)
            and row.to_scheme in (None, to_scheme)
            and row.zero in (None, zero)
            and row.died in (None, died)
            and row.inbound_has_account in (None, inbound_has_account)
            and row.inbound_has_outpatient_pooling in (None, inbound_has_outpatient_pooling)
            and row.choice in (None, choice)
        )

    local = () if zero or died or from_scheme is Scheme.RESIDENT else ruleset.local_money_rows
    row = next((row for row in (*local, *ruleset.national.money) if fits(row)), None)
    if row is None:
        raise ValueError(f"{ruleset.id}: no row of the money table fits {from_scheme} to {to_scheme}")
    return row.outcome
