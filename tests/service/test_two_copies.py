"""Two copies of one service at once: one that was taken for dead goes on after its successor began."""

from jiexu.case.event import Hand, Role
from jiexu.service.claims import Claims
from services.outbound import OutboundPart
from tests.service.pair import AMOUNT, IN, OUT, WENZHOU, XIAN, World
from tests.service.test_steps import Refusing, named


def successor(world: World, code: str) -> Claims:
    """The claims of a second copy of a region's outbound service, under the same name."""
    agency = world._open(code, world.agencies[code, Role.OUTBOUND].owner)
    world.desks[f"{code} again"] = agency
    return Claims(agency, OutboundPart(), world.services[code, Role.OUTBOUND].ledger.holds)


def test_who_finds_its_claim_closed_by_a_successor_goes_on_without_it(pair: World) -> None:
    other = successor(pair, XIAN)
    taken = []
    pair.agencies[XIAN, OUT].owner = other.agency.owner
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    claims = pair.services[XIAN, OUT].steps.claims
    pin = claims.pin

    def claimed_and_overtaken(acting):  # type: ignore[no-untyped-def]
        stored = pin(acting)
        taken.append(other.resume())
        return stored

    claims.pin = claimed_and_overtaken  # type: ignore[method-assign]
    pair.idle()
    assert sum(taken) >= 2, "the form's claim and the remittance's were closed by the successor"
    assert pair.status(case_id) == "closed"
    assert pair.registry_level(XIAN) == AMOUNT
    pair.agreed()
    pair.books_fit()


def test_an_act_that_takes_effect_after_its_claim_was_freed_is_told_and_done_once(pair: World) -> None:
    other = successor(pair, XIAN)
    (who,) = pair.moves(1)
    case_id = pair.case_of(who)
    other.agency.platform = Refusing(other.agency.platform, named("Debit"))  # type: ignore[assignment]
    own = pair.agencies[XIAN, OUT]
    own.owner = other.agency.owner
    perform = own.platform.perform
    told: list[str] = []

    def paused_before(acts):  # type: ignore[no-untyped-def]
        if not told and any(type(act).__name__ == "Debit" for act in acts):
            told.append("paused")
            assert other.resume() == 1
        return perform(acts)

    own.platform.perform = paused_before  # type: ignore[method-assign]
    while not told:
        pair.turn()
    assert "acted_in_vain" in pair.todo_codes(XIAN)
    pair.clock.pass_by(hours=2)
    pair.idle()
    assert pair.types(XIAN, case_id, Hand.OUTBOUND).count("InformationFormUploaded") == 1
    assert pair.todo_codes(XIAN) == []
    assert pair.status(case_id) == "closed"
    pair.agreed()
    pair.books_fit()


def test_a_clerks_word_in_a_case_refused_at_the_counter_is_sent_to_nobody(pair: World) -> None:
    (who,) = pair.moves(1)
    pair.leaves(who, in_hospital=True)
    answer = pair.apply(who, at=XIAN)
    assert answer.outcome == "refused"
    assert answer.case_id is not None
    pair.act(XIAN, answer.case_id, "remind", about="complete", text="已告知本人")
    pair.idle()
    assert pair.mailbox(WENZHOU, IN) == []
    with pair.desks[XIAN].journal.read() as read:
        assert read.unreceipted() == []
