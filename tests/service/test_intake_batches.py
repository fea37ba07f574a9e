"""A batch is placed in memory and written at its end; what stands afterwards is as if each event had come alone."""

from jiexu.case.event import Party
from jiexu.contract.records import record_kind
from jiexu.exchange.port import Outgoing

from .pair import IN, OUT, WENZHOU, XIAN, World


def bundles_got(world: World, code: str) -> int:
    with world.desks[code].journal.read() as read:
        return sum(one.bundle.arrival is not None for one in read.bundles(0, None, 1_000))


def test_bundles_that_come_again_in_a_batch_with_new_ones_add_nothing(pair: World) -> None:
    pair.stopped |= {(XIAN, OUT)}
    old = pair.case_of(pair.moves(1)[0])
    pair.idle()
    pair.stopped.clear()
    pair.idle()
    before = bundles_got(pair, XIAN)
    again = pair.mailbox(XIAN, OUT)
    pair.stopped |= {(XIAN, OUT)}
    new = [pair.case_of(who) for who in pair.moves(2, 3)]
    pair.idle()  # two applications wait in the mailbox
    producer = pair.desks[WENZHOU].producer
    producer.send([Outgoing(one.topic, one.partition, None, one.value) for one in again])
    pair.stopped.clear()
    pair.idle()
    assert {pair.status(case_id) for case_id in (old, *new)} == {"closed"}
    with pair.desks[XIAN].journal.read() as read:
        receipts = [row for row in read.case_receipts([old]) if row.given and row.peer == Party(WENZHOU, IN)]
        assert read.held() == read.parked() == read.todos() == []
    assert len(receipts) == 2 * len({(row.hand, row.seq) for row in receipts}), "each event has its receipt again"
    came = [record_kind(one.value) for one in pair.mailbox(XIAN, OUT)].count("Bundle")
    old_ones = [record_kind(one.value) for one in again].count("Bundle")
    assert (before, bundles_got(pair, XIAN)) == (old_ones, came - old_ones)
    pair.agreed()
    pair.books_fit()
