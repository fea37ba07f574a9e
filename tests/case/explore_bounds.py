"""The explorations: each is exhaustive within its bounds, and together they cover the table.

Budgets count what may go wrong in one case (`explore_moves.BUDGETS`); whatever is not named does not happen in that
exploration. `STATES` is the number of states of each, so a change of the table shows as a change of a number.
"""

from explore import ENDS, Bounds
from explore_moves import ONE, TWO

from jiexu.case.event import Role

O, I = Role.OUTBOUND, Role.INBOUND  # noqa: E741
NONE = ((TWO, "none"),)
TRANSFER = ((TWO, "transfer"),)
ONLY_MONEY = ENDS | {"FormQueried"}
NO_MONEY = frozenset({"BalanceQueried"})


def _units(**units: int) -> tuple[tuple[str, int], ...]:
    return tuple(units.items())


RELATION = _units(form_query=2, version=1, propose=1, request=1, reverse=1)

DEFAULT: tuple[Bounds, ...] = (
    # questions, corrections, requests to withdraw and a reversal, every end, lodged on either side, no money
    Bounds("relation, lodged outbound", (O,), NONE, RELATION, NO_MONEY),
    Bounds("relation, lodged inbound", (I,), NONE, RELATION, NO_MONEY),
    # notes of all six kinds
    Bounds("notes", (I,), NONE, _units(note=2, form_query=1), NO_MONEY),
    # a refused remittance, a short arrival, part amounts
    Bounds("remittances", (O,), TRANSFER, _units(fail=1, short=1, part=1), ONLY_MONEY),
    # more arrives than was sent, rightful money goes back
    Bounds("excess and returns", (I,), TRANSFER, _units(excess=1, short=1, give_back=1), ONLY_MONEY),
    # refused by the bank and sent back, failures that cross with arrivals
    Bounds("failures and returns", (O,), TRANSFER, _units(fail=1, give_back=1, excess=1), ONLY_MONEY),
    # questions about money that is short or did not come
    Bounds("money queries", (I,), TRANSFER, _units(balance_query=2, short=1), ONLY_MONEY),
    Bounds("money queries and failures", (O,), TRANSFER, _units(balance_query=1, fail=1, give_back=1), ONLY_MONEY),
    # the amount and the outcome change from one form to the next while money is under way
    Bounds(
        "changing forms",
        (O,),
        ((TWO, "transfer"), (ONE, "transfer"), (TWO, "pay_to_person")),
        _units(form_query=1, version=1, reverse=1),
        ENDS,
    ),
    # every end while money is under way, arrived, credited; reversal
    Bounds("ends", (I,), TRANSFER, _units(fail=1, reverse=1, form_query=1)),
    Bounds("ends, short", (O,), TRANSFER, _units(short=1, reverse=1, balance_query=1)),
    # the person or the heirs are paid by outbound
    Bounds(
        "pay-out",
        (O,),
        ((TWO, "pay_to_person"), (ONE, "pay_to_heirs"), (ONE, "transfer")),
        _units(part=1, reverse=1, form_query=1, version=1),
    ),
    # outbound sends what it has no right to send
    Bounds("void money", (O,), TRANSFER, _units(void=1, fail=1)),
    Bounds("void money and returns", (I,), TRANSFER, _units(void=1, balance_query=1)),
    # acts that take time, each under a claim
    Bounds("claims, lodged outbound", (O,), TRANSFER, _units(fail=1, reverse=1), claims=True),
    Bounds("claims, lodged inbound", (I,), TRANSFER, _units(form_query=1, version=1, balance_query=1), claims=True),
)

# `JIEXU_TEST_EXPLORE=full`: minutes and 6 GB
FULL: tuple[Bounds, ...] = (
    Bounds("full: relation", (O,), NONE, _units(form_query=3, version=2, propose=1, request=1, reverse=1), NO_MONEY),
    Bounds("full: remittances", (O,), TRANSFER, _units(fail=2, short=1, part=1), ONLY_MONEY),
    Bounds("full: void money", (O,), TRANSFER, _units(void=2, fail=1)),
    Bounds("full: ends", (I,), TRANSFER, _units(fail=1, reverse=1, form_query=1, version=1, balance_query=1)),
    Bounds("full: claims", (O,), TRANSFER, _units(fail=1, reverse=1, form_query=1, version=1), claims=True),
)

# small explorations in which every guard shows: whoever leaves one out of the table is noticed within them
SMALL: tuple[Bounds, ...] = (
    Bounds("small: relation, lodged inbound", (I,), NONE, _units(form_query=1, version=1, request=1)),
    Bounds("small: void money", (O,), TRANSFER, _units(void=1), ONLY_MONEY),
    Bounds("small: notes and money queries", (O,), NONE, _units(note=1, balance_query=1)),
    Bounds("small: relation, lodged outbound", (O,), NONE, _units(form_query=1, propose=1, reverse=1)),
    Bounds("small: money", (O,), TRANSFER, _units(fail=1, reverse=1)),
    Bounds("small: returns", (I,), TRANSFER, _units(excess=1, give_back=1), ONLY_MONEY),
    Bounds(
        "small: pay-out",
        (O,),
        ((TWO, "pay_to_person"), (ONE, "transfer")),
        _units(form_query=1, version=1, part=1),
        ENDS,
    ),
    Bounds("small: forms", (O,), NONE, _units(form_query=2, version=1, reverse=1), ENDS),
    Bounds("small: money queries", (I,), TRANSFER, _units(balance_query=2, short=1), ONLY_MONEY),
)

STATES = {
    "relation, lodged outbound": 56_116,
    "relation, lodged inbound": 56_131,
    "notes": 1_882,
    "remittances": 93_200,
    "excess and returns": 341_487,
    "failures and returns": 220_025,
    "money queries": 66_495,
    "money queries and failures": 206_351,
    "changing forms": 35_462,
    "ends": 91_431,
    "ends, short": 349_197,
    "pay-out": 39_711,
    "void money": 29_946,
    "void money and returns": 34_472,
    "claims, lodged outbound": 6_705,
    "claims, lodged inbound": 49_797,
    "small: relation, lodged inbound": 416,
    "small: void money": 625,
    "small: notes and money queries": 580,
    "small: relation, lodged outbound": 964,
    "small: money": 3_363,
    "small: returns": 3_423,
    "small: pay-out": 2_907,
    "small: forms": 1_552,
    "small: money queries": 66_495,
    "full: relation": 381_887,
    "full: remittances": 13_609_626,
    "full: void money": 1_796_472,
    "full: ends": 6_257_937,
    "full: claims": 366_989,
}
