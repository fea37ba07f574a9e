"""What every adapter of the local platform port must do, as one suite.

Subclass `PlatformContract`, provide the fixture `platform` (a `World`), and run it against the adapter's real store.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Protocol

from jiexu.region.platform import (
    Act,
    ActKey,
    Advance,
    Credit,
    Debit,
    Done,
    EndRelation,
    Hold,
    LocalPlatform,
    MonthRow,
    PayOut,
    RecordMonths,
    Refused,
    Reinstate,
    Return,
    Send,
    TakeBack,
    UnrecordMonths,
)
from jiexu.rules.facts import Identity, Scheme

CASE = "0190" + "0" * 28
EMPLOYEE = Scheme.EMPLOYEE
ON = date(2026, 3, 2)
THOUSAND = Decimal("1000.00")


class World(Protocol):
    """Two regions joined by a bank, and one person known to both.

    Outbound the person is suspended in the employee scheme, months 2020-01 to 2021-12 are paid, and the account
    may give exactly 1000.00 yuan. Inbound the person is active in the employee scheme, without an account.
    Somebody else is known outbound, by name and number alone.
    """

    outbound: LocalPlatform
    inbound: LocalPlatform
    outbound_region: str
    inbound_region: str
    identity: Identity
    somebody_else: Identity

    def refuse_next_remittance(self) -> None:
        """Make the bank refuse the person's next remittance."""

    def refuse_return(self, reference: str) -> None:
        """Make the bank refuse the first return of a remittance."""


@dataclass(frozen=True)
class Acts:
    """The acts of one case, with their parameters filled in; the key's n is the argument."""

    world: World
    case: str = CASE

    def key(self, step: str, n: object) -> ActKey:
        return ActKey(self.case, step, str(n))

    def hold(self, n: object = 1) -> Hold:
        return Hold(self.key("hold", n), self.world.identity, EMPLOYEE)

    def end(self, n: object = 1) -> EndRelation:
        return EndRelation(self.key("end", n), self.world.identity, EMPLOYEE, self.world.inbound_region)

    def reinstate(self, n: object = 1) -> Reinstate:
        return Reinstate(self.key("reinstate", n), self.world.identity, EMPLOYEE)

    def debit(self, level: str, n: object = 1) -> Debit:
        return Debit(self.key("debit", n), self.world.identity, EMPLOYEE, Decimal(level))

    def send(self, amount: str = "1000.00", n: object = 1, reference: str = "R1") -> Send:
        world = self.world
        return Send(
            self.key("send", n),
            reference,
            Decimal(amount),
            world.outbound_region,
            world.inbound_region,
            "6222000000000000",
            world.identity.name,
            world.identity.document_number,
        )

    def give_back(self, amount: str, n: object = 1, attempt: int = 1, reference: str = "R1") -> Return:
        world = self.world
        return Return(
            self.key("return", n),
            f"B-{reference}",
            reference,
            Decimal(amount),
            world.inbound_region,
            world.outbound_region,
            attempt,
        )

    def pay_out(self, amount: str, n: object = 1) -> PayOut:
        return PayOut(self.key("pay_out", n), f"P{n}", Decimal(amount), self.world.identity.name)

    def record(self, *rows: MonthRow, n: object = 1) -> RecordMonths:
        return RecordMonths(self.key("complete", n), self.world.identity, EMPLOYEE, rows)

    def unrecord(self, n: object = 1) -> UnrecordMonths:
        return UnrecordMonths(self.key("reverse", n), self.world.identity, EMPLOYEE)

    def credit(self, amount: str = "1000.00", n: object = 1, reference: str = "R1") -> Credit:
        return Credit(self.key("credit", n), self.world.identity, EMPLOYEE, reference, Decimal(amount))

    def take_back(self, amount: str = "1000.00", n: object = 1, reference: str = "R1") -> TakeBack:
        return TakeBack(self.key("take_back", n), self.world.identity, EMPLOYEE, reference, Decimal(amount))


def done(platform: LocalPlatform, *acts: Act) -> list[dict[str, str]]:
    """Perform acts that must all take effect; their values."""
    results = platform.perform(acts)
    for result in results:
        assert isinstance(result, Done), result
    return [result.value for result in results if isinstance(result, Done)]


def refused(platform: LocalPlatform, act: Act) -> str:
    """Perform an act that must be refused; the code. Both languages must say something, the number must not show."""
    (result,) = platform.perform([act])
    assert isinstance(result, Refused), result
    assert result.zh
    assert result.en
    return result.code


def balance(platform: LocalPlatform, identity: Identity) -> Decimal | None:
    """The person's balance as the checks see it."""
    return platform.facts([identity], EMPLOYEE, ON)[0].balance


def may_give(world: World, case: str = CASE) -> Decimal:
    """What the form of the case would state as the amount."""
    (form,) = world.outbound.form_facts([(case, world.identity, EMPLOYEE)], ON)
    assert form is not None
    assert form.account is not None
    return form.account.amount


def held_by(world: World, case: str) -> str | None:
    """Which other case holds the relation, as the form of a case is told."""
    (form,) = world.outbound.form_facts([(case, world.identity, EMPLOYEE)], ON)
    assert form is not None
    return form.held_by


def status(platform: LocalPlatform, identity: Identity) -> tuple[str, str | None]:
    """State of the person's employee relation, and where it went."""
    (relation,) = platform.facts([identity], EMPLOYEE, ON)[0].relations
    return relation.status, relation.ended_to


def month_row(first: str, last: str, months: int) -> MonthRow:
    """A stretch as a form states it."""
    return MonthRow("610100", EMPLOYEE, first, last, months, "actual", False)


class PlatformContract:
    """Statements about any adapter."""

    def test_an_act_repeated_under_its_key_happens_once_and_returns_what_was_done(self, platform: World) -> None:
        acts = Acts(platform)
        first = platform.outbound.perform([acts.debit("1000.00"), acts.send()])
        again = platform.outbound.perform([acts.debit("1000.00"), acts.send()])
        assert [result.repeated for result in first if isinstance(result, Done)] == [False, False]
        assert [result.repeated for result in again if isinstance(result, Done)] == [True, True]
        assert [r.value for r in first if isinstance(r, Done)] == [r.value for r in again if isinstance(r, Done)]
        assert platform.outbound.books()["sent"] == THOUSAND
        assert len(platform.inbound.bank_lines(0)) == 1

    def test_a_repeat_is_told_what_was_done_where_the_act_would_be_refused_now(self, platform: World) -> None:
        acts = Acts(platform)
        done(platform.outbound, acts.debit("1000.00"), acts.send())
        platform.inbound.bank_lines(0)
        done(platform.inbound, acts.credit())
        assert refused(platform.inbound, acts.credit(n=2)) == "above_arrived"
        (result,) = platform.inbound.perform([acts.credit()])
        assert isinstance(result, Done)
        assert result.repeated

    def test_an_amount_written_with_fewer_decimals_is_the_same_act(self, platform: World) -> None:
        acts = Acts(platform)
        done(platform.outbound, acts.debit("500.00"))
        (result,) = platform.outbound.perform([acts.debit("500")])
        assert isinstance(result, Done)
        assert result.repeated

    def test_a_key_used_again_for_something_else_is_refused_and_does_nothing(self, platform: World) -> None:
        acts = Acts(platform)
        done(platform.outbound, acts.debit("500.00"), acts.send("500.00"))
        assert refused(platform.outbound, acts.debit("600.00")) == "key_reused"
        assert refused(platform.outbound, acts.send("600.00", reference="R2")) == "key_reused"
        assert platform.outbound.books()["debited"] == Decimal("500.00")
        assert platform.outbound.books()["sent"] == Decimal("500.00")

    def test_what_was_done_for_a_case_can_be_read_oldest_first(self, platform: World) -> None:
        acts, others = Acts(platform), Acts(platform, case="0191" + "0" * 28)
        assert platform.outbound.acts_of(CASE) == []
        (debited,) = done(platform.outbound, acts.debit("500.00"))
        (sent,) = done(platform.outbound, acts.send("500.00"))
        done(platform.outbound, acts.debit("500.00"))
        refused(platform.outbound, acts.debit("600.00"))
        refused(platform.outbound, others.pay_out("0.01"))
        read = platform.outbound.acts_of(CASE)
        assert [(one.key, one.act, one.value) for one in read] == [
            (acts.key("debit", 1), "Debit", debited),
            (acts.key("send", 1), "Send", sent),
        ]
        assert all(one.done_at.tzinfo for one in read)
        assert platform.outbound.acts_of(others.case) == []

    def test_a_refusal_is_not_kept_and_the_same_key_may_be_tried_again(self, platform: World) -> None:
        acts = Acts(platform)
        assert refused(platform.inbound, acts.credit()) == "above_arrived"
        done(platform.outbound, acts.debit("1000.00"), acts.send())
        platform.inbound.bank_lines(0)
        (result,) = platform.inbound.perform([acts.credit()])
        assert isinstance(result, Done)
        assert not result.repeated

    def test_a_refused_act_undoes_itself_only_and_the_rest_of_the_batch_goes_on(self, platform: World) -> None:
        acts = Acts(platform)
        results = platform.outbound.perform(
            [acts.debit("400.00", 1), acts.debit("1000.01", 2), acts.pay_out("100.00"), acts.debit("300.00", 3)]
        )
        assert [type(result) for result in results] == [Done, Refused, Done, Done]
        assert platform.outbound.books()["debited"] == Decimal("300.00")

    def test_acts_of_a_batch_see_what_those_before_them_did(self, platform: World) -> None:
        acts = Acts(platform)
        assert refused(platform.outbound, acts.pay_out("1.00")) == "paid_out_above_level"
        done(platform.outbound, acts.debit("1.00"), acts.pay_out("1.00"))

    def test_a_debit_sets_a_level_and_never_adds_up(self, platform: World) -> None:
        acts = Acts(platform)
        for n, level in enumerate(("1000.00", "1000.00", "400.00", "700.00"), start=1):
            done(platform.outbound, acts.debit(level, n))
            assert balance(platform.outbound, platform.identity) == THOUSAND - Decimal(level)
        done(platform.outbound, acts.debit("0.00", "back"))
        assert platform.outbound.books()["debited"] == 0

    def test_the_form_states_the_account_as_if_this_case_had_taken_nothing(self, platform: World) -> None:
        acts = Acts(platform)
        assert may_give(platform) == THOUSAND
        done(platform.outbound, acts.debit("1000.00"))
        assert may_give(platform) == THOUSAND
        assert may_give(platform, "f" * 32) == 0

    def test_no_more_than_the_account_may_give_can_be_debited(self, platform: World) -> None:
        assert refused(platform.outbound, Acts(platform).debit("1000.01")) == "level_above_account"
        assert refused(platform.outbound, Acts(platform).debit("-1.00")) == "amount_invalid"
        done(platform.outbound, Acts(platform).debit("600.00"))
        assert refused(platform.outbound, Acts(platform, "f" * 32).debit("400.01")) == "level_above_account"

    def test_a_level_does_not_fall_below_what_the_person_was_paid(self, platform: World) -> None:
        acts = Acts(platform)
        done(platform.outbound, acts.debit("500.00"), acts.pay_out("200.00"))
        assert refused(platform.outbound, acts.debit("199.99", 2)) == "level_below_paid_out"
        done(platform.outbound, acts.debit("200.00", 2))

    def test_money_sent_arrives_as_a_line_and_opens_the_account_when_credited(self, platform: World) -> None:
        acts = Acts(platform)
        done(platform.outbound, acts.debit("1000.00"), acts.send())
        (line,) = platform.inbound.bank_lines(0)
        assert (line.kind, line.reference, line.amount) == ("arrived", "R1", THOUSAND)
        assert platform.inbound.bank_lines(line.number) == []
        assert balance(platform.inbound, platform.identity) is None
        done(platform.inbound, acts.credit())
        assert balance(platform.inbound, platform.identity) == THOUSAND

    def test_lines_are_found_by_reference(self, platform: World) -> None:
        acts = Acts(platform)
        done(platform.outbound, acts.send("600.00"), acts.send("400.00", 2, "R2"))
        found = platform.inbound.lines_of(["R2", "R9", "R2"])
        assert {reference: [line.amount for line in lines] for reference, lines in found.items()} == {"R2": [400]}
        assert found["R2"] == [line for line in platform.inbound.bank_lines(0) if line.reference == "R2"]

    def test_no_more_can_be_credited_or_returned_than_arrived(self, platform: World) -> None:
        acts = Acts(platform)
        done(platform.outbound, acts.send())
        platform.inbound.bank_lines(0)
        done(platform.inbound, acts.credit("700.00"))
        assert refused(platform.inbound, acts.credit("300.01", 2)) == "above_arrived"
        assert refused(platform.inbound, acts.give_back("300.01")) == "above_arrived"
        done(platform.inbound, acts.give_back("300.00"))
        assert refused(platform.inbound, acts.credit("0.01", 3)) == "above_arrived"

    def test_a_remittance_that_the_bank_refuses_comes_back_as_a_line_of_the_sender(self, platform: World) -> None:
        acts = Acts(platform)
        platform.refuse_next_remittance()
        done(platform.outbound, acts.send())
        (line,) = platform.outbound.bank_lines(0)
        assert (line.kind, line.reference, line.amount) == ("refused", "R1", THOUSAND)
        assert line.reason
        assert platform.inbound.bank_lines(0) == []
        assert refused(platform.outbound, acts.send(n=2)) == "reference_used"
        done(platform.outbound, acts.send(n=2, reference="R2"))
        assert [line.reference for line in platform.inbound.bank_lines(0)] == ["R2"]

    def test_a_refused_return_is_sent_again_under_the_same_reference(self, platform: World) -> None:
        acts = Acts(platform)
        platform.refuse_return("R1")
        done(platform.outbound, acts.send())
        platform.inbound.bank_lines(0)
        done(platform.inbound, acts.give_back("1000.00"))
        assert [line.kind for line in platform.inbound.bank_lines(1)] == ["return_refused"]
        done(platform.inbound, acts.give_back("1000.00", attempt=2))
        (line,) = platform.outbound.bank_lines(0)
        assert (line.kind, line.reference, line.amount) == ("returned", "B-R1", THOUSAND)
        assert platform.inbound.books()["returned"] == THOUSAND

    def test_a_return_under_way_is_not_sent_twice(self, platform: World) -> None:
        acts = Acts(platform)
        done(platform.outbound, acts.send())
        platform.inbound.bank_lines(0)
        done(platform.inbound, acts.give_back("1000.00"))
        assert refused(platform.inbound, acts.give_back("1000.00", n=2, attempt=2)) == "return_under_way"

    def test_credited_money_is_taken_back_only_while_it_is_there(self, platform: World) -> None:
        acts = Acts(platform)
        done(platform.outbound, acts.send())
        platform.inbound.bank_lines(0)
        done(platform.inbound, acts.credit())
        assert refused(platform.inbound, acts.take_back("1000.01")) == "above_credited"
        # Another case takes the money on to a third region.
        done(platform.inbound, Acts(platform, "e" * 32).debit("600.00"))
        assert refused(platform.inbound, acts.take_back()) == "balance_insufficient"
        done(platform.inbound, acts.take_back("400.00"), acts.give_back("400.00"))
        books = platform.inbound.books()
        assert (books["credited"], books["taken_back"], books["returned"]) == (1000, 400, 400)

    def test_a_hold_and_an_end_are_taken_back_to_the_state_before_the_case(self, platform: World) -> None:
        acts, outbound, who = Acts(platform), platform.outbound, platform.identity
        before = status(outbound, who)
        done(outbound, acts.hold())
        done(outbound, acts.end())
        assert status(outbound, who) == ("ended", platform.inbound_region)
        done(outbound, acts.reinstate())
        assert status(outbound, who) == before
        done(outbound, acts.reinstate(2))
        assert status(outbound, who) == before

    def test_a_relation_held_or_ended_by_one_case_is_refused_to_another(self, platform: World) -> None:
        acts, other = Acts(platform), Acts(platform, "f" * 32)
        done(platform.outbound, acts.hold())
        assert refused(platform.outbound, other.hold()) == "held_by_other"
        assert held_by(platform, other.case) == CASE
        assert held_by(platform, CASE) is None
        done(platform.outbound, acts.end())
        assert held_by(platform, other.case) is None
        assert refused(platform.outbound, other.end()) == "relation_ended"

    def test_acts_of_one_case_are_about_one_person(self, platform: World) -> None:
        acts = Acts(platform)
        done(platform.outbound, acts.hold())
        other = Debit(acts.key("debit", 1), platform.somebody_else, EMPLOYEE, Decimal("1.00"))
        assert refused(platform.outbound, other) == "case_of_another_person"

    def test_a_refused_act_does_not_settle_whom_the_case_is_about(self, platform: World) -> None:
        acts = Acts(platform)
        other = Hold(acts.key("hold", 1), platform.somebody_else, EMPLOYEE)
        assert refused(platform.outbound, other) == "relation_unknown"
        done(platform.outbound, acts.hold())

    def test_a_pay_out_reference_is_used_once(self, platform: World) -> None:
        acts = Acts(platform)
        done(platform.outbound, acts.debit("500.00"), acts.pay_out("100.00"))
        again = replace(acts.pay_out("100.00"), key=acts.key("pay_out", 2))
        assert refused(platform.outbound, again) == "reference_used"

    def test_money_goes_from_the_own_region_to_another(self, platform: World) -> None:
        acts = Acts(platform)
        assert refused(platform.inbound, acts.send()) == "not_own_region"
        assert refused(platform.outbound, acts.give_back("1.00")) == "not_own_region"
        same = replace(acts.send(), to_region=platform.outbound_region)
        assert refused(platform.outbound, same) == "not_own_region"

    def test_a_return_reference_names_one_sum_of_one_remittance(self, platform: World) -> None:
        acts = Acts(platform)
        platform.refuse_return("R1")
        done(platform.outbound, acts.send())
        platform.inbound.bank_lines(0)
        done(platform.inbound, acts.give_back("400.00"))
        platform.inbound.bank_lines(0)
        assert refused(platform.inbound, acts.give_back("500.00", n=2, attempt=2)) == "reference_used"

    def test_money_advanced_is_on_the_account_and_in_the_books_apart(self, platform: World) -> None:
        acts = Acts(platform)
        done(platform.inbound, Advance(acts.key("advance", 1), platform.identity, EMPLOYEE, THOUSAND))
        assert balance(platform.inbound, platform.identity) == THOUSAND
        assert (platform.inbound.books()["advanced"], platform.inbound.books()["credited"]) == (1000, 0)

    def test_a_later_form_version_replaces_the_months_recorded(self, platform: World) -> None:
        acts = Acts(platform)
        done(platform.inbound, acts.record(month_row("2020-01", "2021-12", 24)))
        done(platform.inbound, acts.record(month_row("2020-01", "2021-11", 23), n=2))
        (form,) = platform.inbound.form_facts([("f" * 32, platform.identity, EMPLOYEE)], ON)
        assert form is not None
        assert [(row.last_month, row.months, row.brought_in) for row in form.rows] == [("2021-11", 23, True)]
        done(platform.inbound, acts.unrecord())
        (form,) = platform.inbound.form_facts([("f" * 32, platform.identity, EMPLOYEE)], ON)
        assert form is not None
        assert list(form.rows) == []

    def test_impossible_months_are_refused(self, platform: World) -> None:
        acts = Acts(platform)
        for first, last, count in (("2020-01", "2020-12", 13), ("2020-13", "2020-12", 1), ("2020-02", "2020-01", 1)):
            assert refused(platform.inbound, acts.record(month_row(first, last, count))) == "months_invalid"

    def test_somebody_unknown_is_refused_without_showing_the_number(self, platform: World) -> None:
        stranger = Identity("陌生", "01", "110101199003070011")
        (result,) = platform.outbound.perform([Hold(ActKey(CASE, "hold", "1"), stranger, EMPLOYEE)])
        assert isinstance(result, Refused)
        assert result.code == "person_unknown"
        assert stranger.document_number not in result.zh + result.en
        assert platform.outbound.form_facts([(CASE, stranger, EMPLOYEE)], ON) == [None]
        assert platform.outbound.facts([stranger], EMPLOYEE, ON)[0].identities == ()

    def test_facts_come_one_per_identity_in_order(self, platform: World) -> None:
        stranger = Identity("陌生", "01", "110101199003070011")
        facts = platform.outbound.facts([stranger, platform.identity, stranger], EMPLOYEE, ON)
        assert [len(fact.identities) for fact in facts] == [0, 1, 0]
        assert facts[1].identities[0] == platform.identity
        assert facts[1].region == platform.outbound_region
        assert facts[1].active_months[0] == "2020-01"

    def test_the_books_say_the_same_in_all_and_per_reference(self, platform: World) -> None:
        acts = Acts(platform)
        done(platform.outbound, acts.debit("1000.00"), acts.send("600.00"), acts.send("400.00", 2, "R2"))
        platform.inbound.bank_lines(0)
        done(platform.inbound, acts.credit("600.00"), acts.give_back("400.00", reference="R2"))
        platform.outbound.bank_lines(0)
        for side in (platform.outbound, platform.inbound):
            per_reference = side.book_of_references().values()
            totals = side.books()
            for word in ("sent", "failed", "arrived", "credited", "taken_back", "returned", "return_arrived"):
                assert sum(words[word] for words in per_reference) == totals[word], word
        assert platform.outbound.book_of_references()["R2"]["return_arrived"] == Decimal("400.00")
