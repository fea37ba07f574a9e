"""What one personal account holds and may give, worked out from its row and the levels that cases have set on it."""

import json
from dataclasses import dataclass
from datetime import date

from jiexu.region.platform import AccountSettlement
from jiexu.region.registry.money import to_yuan


@dataclass(frozen=True, slots=True)
class Account:
    """One account, in cents. `balance` already has what cases took out and what was credited in it.

    `others` are the named other lines, signed; `own_level` is what this account gave to the case that asks, and
    `other_levels` what it gave to other cases.
    """

    balance: int
    interest: int
    unearned_allocation: int
    settled_claims: int
    others: tuple[tuple[str, int], ...]
    opened_on: date | None
    own_level: int = 0
    other_levels: int = 0

    @property
    def lines(self) -> int:
        """Interest − unearned allocation − settled claims ± other lines."""
        others = sum(amount for _, amount in self.others)
        return self.interest - self.unearned_allocation - self.settled_claims + others

    @property
    def holds(self) -> int:
        """What the account holds now: once it gave anything to a case, its lines were settled with it.

        Without that, an account emptied with its interest would show an overdraft of the interest.
        """
        return self.balance + (self.lines if self.own_level or self.other_levels else 0)

    @property
    def may_give(self) -> int:
        """What may move in the asking case in all, as if it had not been debited (个人账户实际转出资金)."""
        return self.balance + self.own_level + self.lines

    def settlement(self) -> AccountSettlement:
        """The lines for the form of the asking case; `may_give` is their sum.

        Lines that another case settled earlier are part of the balance by now and are not shown a second time.
        """
        if self.other_levels:
            nothing = to_yuan(0)
            return AccountSettlement(to_yuan(self.may_give), nothing, nothing, nothing, (), self.opened_on)
        return AccountSettlement(
            to_yuan(self.balance + self.own_level),
            to_yuan(self.interest),
            to_yuan(self.unearned_allocation),
            to_yuan(self.settled_claims),
            tuple((name, to_yuan(amount)) for name, amount in self.others),
            self.opened_on,
        )


def account_from(row: tuple[int, int, int, int, str, str | None], own_level: int = 0, other_levels: int = 0) -> Account:
    """An account from its row: balance, interest, unearned allocation, claims, other lines (JSON), opening day."""
    balance, interest, unearned, claims, others, opened_on = row
    named = tuple((str(name), int(amount)) for name, amount in json.loads(others))
    opened = date.fromisoformat(opened_on) if opened_on else None
    return Account(balance, interest, unearned, claims, named, opened, own_level, other_levels)


COLUMNS = "balance, interest, unearned_allocation, settled_claims, other_lines, opened_on"
