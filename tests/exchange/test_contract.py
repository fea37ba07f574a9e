"""What every exchange promises. Each test runs on the embedded exchange and on a real Kafka."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from jiexu.exchange import (
    MAX_VALUE_BYTES,
    OffsetExpired,
    Outgoing,
    RecordTooLarge,
    TopicExists,
    TopicMissing,
)
from tests.exchange.place import Journal, Place, take, until


class TestSending:
    def test_offsets_and_append_times_come_in_the_order_given(self, place: Place) -> None:
        topic = place.topic(2)
        records = [Outgoing(topic, n % 2, b"k", b"%d" % n) for n in range(6)]
        placed = place.producer.send(records)
        assert [offset for offset, _ in placed] == [0, 0, 1, 1, 2, 2]
        assert all(time is not None and time.tzinfo is UTC for _, time in placed)

    def test_what_send_returned_is_there_for_everybody(self, place: Place) -> None:
        topic = place.topic()
        place.send(topic, b"a", b"b")
        assert [r.value for r in place.exchange.read(topic, None)] == [b"a", b"b"]
        assert place.exchange.end_offsets(topic) == {0: 2}

    def test_an_empty_batch_is_nothing(self, place: Place) -> None:
        assert place.producer.send([]) == []

    def test_the_largest_record_arrives_whole(self, place: Place) -> None:
        topic = place.topic()
        bundle = bytes(range(256)) * 2048
        largest = b"x" * MAX_VALUE_BYTES
        place.send(topic, bundle, largest)
        assert len(bundle) == 512 * 1024
        assert [r.value for r in take(place.consumer(topic, Journal()), 2)] == [bundle, largest]

    def test_a_record_too_large_is_refused_and_nothing_is_appended(self, place: Place) -> None:
        topic = place.topic()
        with pytest.raises(RecordTooLarge):
            place.send(topic, b"small", b"x" * (MAX_VALUE_BYTES + 1))
        assert place.exchange.end_offsets(topic) == {0: 0}

    def test_a_topic_is_never_made_by_use(self, place: Place) -> None:
        with pytest.raises(TopicMissing):
            place.send("nobody-made-me", b"a")
        assert "nobody-made-me" not in place.admin.topics()

    def test_a_partition_that_does_not_exist_is_refused_and_nothing_is_appended(self, place: Place) -> None:
        topic = place.topic(1)
        with pytest.raises(TopicMissing):
            place.producer.send([Outgoing(topic, 0, None, b"a"), Outgoing(topic, 1, None, b"b")])
        assert place.exchange.end_offsets(topic) == {0: 0}


class TestReadingInAGroup:
    def test_a_partition_keeps_its_order(self, place: Place) -> None:
        topic = place.topic(3)
        for n in range(30):
            place.send(topic, b"%d" % n, partition=n % 3)
        taken = take(place.consumer(topic, Journal()), 30)
        for partition in range(3):
            own = [int(r.value) for r in taken if r.partition == partition]
            assert own == list(range(partition, 30, 3))

    def test_a_record_carries_key_value_offset_and_time_of_appending(self, place: Place) -> None:
        topic = place.topic()
        ((_, sent_at),) = place.producer.send([Outgoing(topic, 0, b"key", b"value")])
        (record,) = take(place.consumer(topic, Journal()), 1)
        assert (record.topic, record.partition, record.offset) == (topic, 0, 0)
        assert (record.key, record.value) == (b"key", b"value")
        assert record.append_time == sent_at
        assert abs(datetime.now(UTC) - record.append_time) < timedelta(minutes=1)

    def test_append_times_never_run_backwards_in_a_partition(self, place: Place) -> None:
        topic = place.topic()
        for n in range(20):
            place.send(topic, b"%d" % n)
        times = [r.append_time for r in place.exchange.read(topic, None)]
        assert times == sorted(times)

    def test_reading_begins_at_the_journals_offset(self, place: Place) -> None:
        topic = place.topic()
        place.send(topic, b"a", b"b", b"c")
        assert [r.offset for r in take(place.consumer(topic, Journal({0: 2})), 1)] == [2]

    def test_reading_begins_at_the_start_where_the_journal_has_no_offset(self, place: Place) -> None:
        topic = place.topic()
        place.send(topic, b"a")
        journal = Journal()
        assert [r.offset for r in take(place.consumer(topic, journal), 1)] == [0]
        assert journal.asked == [0]

    def test_no_progress_is_kept_but_the_journals(self, place: Place) -> None:
        topic = place.topic()
        place.send(topic, b"a", b"b")
        first = place.consumer(topic, Journal())
        take(first, 2)
        first.close()
        assert [r.offset for r in take(place.consumer(topic, Journal()), 1)] == [0]

    def test_seek_reads_again_and_skips(self, place: Place) -> None:
        topic = place.topic()
        place.send(topic, b"a", b"b", b"c")
        consumer = place.consumer(topic, Journal())
        take(consumer, 3)
        consumer.seek(topic, 0, 1)
        assert [r.value for r in take(consumer, 2)] == [b"b", b"c"]
        consumer.seek(topic, 0, 2)
        assert [r.value for r in take(consumer, 1)] == [b"c"]

    def test_position_and_lag_count_what_was_handed_out(self, place: Place) -> None:
        topic = place.topic()
        place.send(topic, b"a", b"b", b"c")
        consumer = place.consumer(topic, Journal())
        take(consumer, 1)
        assert consumer.assignment() == {(topic, 0)}
        assert consumer.position(topic, 0) == 1
        assert consumer.lag() == {(topic, 0): 2}

    def test_a_partition_of_others_cannot_be_sought(self, place: Place) -> None:
        topic = place.topic()
        consumer = place.consumer(topic, Journal())
        with pytest.raises(KeyError):
            consumer.seek(topic, 7, 0)

    def test_a_poll_hands_out_no_more_than_asked(self, place: Place) -> None:
        topic = place.topic()
        place.send(topic, *[b"x"] * 10)
        consumer = place.consumer(topic, Journal())
        take(consumer, 1)
        assert len(consumer.poll(3, 5)) == 3

    def test_a_missing_topic_is_said_at_once(self, place: Place) -> None:
        with pytest.raises(TopicMissing):
            place.consumer("nobody-made-me", Journal())

    def test_an_error_of_the_journal_loses_nothing(self, place: Place) -> None:
        topic = place.topic()
        place.send(topic, b"a")
        answers: list[int | Exception | None] = [OSError("journal busy"), None]

        def start(_topic: str, _partition: int) -> int | None:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        consumer = place.exchange.consumer(topic, f"g-{place.run}", start)
        try:
            with pytest.raises(OSError, match="journal busy"):
                take(consumer, 1)
            assert [r.value for r in take(consumer, 1)] == [b"a"]
        finally:
            consumer.close()


class TestExpiry:
    def test_an_expired_offset_is_said_until_the_reader_seeks(self, place: Place) -> None:
        topic = place.topic()
        place.send(topic, *[b"%d" % n for n in range(6)])
        place.admin.delete_records(topic, {0: 4})
        consumer = place.consumer(topic, Journal({0: 1}))
        for _ in range(2):
            with pytest.raises(OffsetExpired) as expired:
                take(consumer, 1)
            assert (expired.value.topic, expired.value.partition) == (topic, 0)
            assert (expired.value.asked, expired.value.earliest, expired.value.end) == (1, 4, 6)
        consumer.seek(topic, 0, expired.value.earliest)
        assert [r.value for r in take(consumer, 2)] == [b"4", b"5"]

    def test_an_offset_beyond_the_end_is_said(self, place: Place) -> None:
        topic = place.topic()
        place.send(topic, b"a")
        with pytest.raises(OffsetExpired) as lost:
            take(place.consumer(topic, Journal({0: 9})), 1)
        assert (lost.value.asked, lost.value.end) == (9, 1)

    def test_no_offset_means_what_is_left(self, place: Place) -> None:
        topic = place.topic()
        place.send(topic, b"a", b"b")
        place.admin.delete_records(topic, {0: 1})
        assert [r.value for r in take(place.consumer(topic, Journal()), 1)] == [b"b"]
        assert place.exchange.beginning_offsets(topic) == {0: 1}


class TestSharing:
    def test_two_consumers_share_the_partitions_and_restart_from_the_journal(self, place: Place) -> None:
        topic = place.topic(4)
        journal = Journal()
        first = place.consumer(topic, journal)
        for n in range(8):
            place.send(topic, b"%d" % n, partition=n % 4)
        journal.take(take(first, 8))
        second = place.consumer(topic, journal)

        def shared() -> bool:
            journal.take(first.poll(10, 0.05))
            journal.take(second.poll(10, 0.05))
            return len(first.assignment()) == len(second.assignment()) == 2

        until(shared)
        assert not first.assignment() & second.assignment()
        for n in range(8):
            place.send(topic, b"%d" % n, partition=n % 4)

        def all_taken() -> bool:
            return shared() and journal.offsets == dict.fromkeys(range(4), 4)

        until(all_taken)  # Journal.take fails where a record is skipped or handed out twice

    def test_who_leaves_hands_over_at_once(self, place: Place) -> None:
        topic = place.topic(2)
        journal = Journal()
        first, second = place.consumer(topic, journal), place.consumer(topic, journal)
        until(lambda: not first.poll(1, 0.05) and not second.poll(1, 0.05) and len(second.assignment()) == 1)
        first.close()
        until(lambda: not second.poll(1, 0.05) and len(second.assignment()) == 2)

    def test_readers_that_never_wait_get_their_share(self, place: Place) -> None:
        topic = place.topic(2)
        first, second = place.consumer(topic, Journal()), place.consumer(topic, Journal())

        def shared() -> bool:
            for consumer in (first, second):
                consumer.poll(1, 0)
                time.sleep(0.03)  # the group's answers come while nobody polls
            return len(first.assignment()) == len(second.assignment()) == 1

        until(shared)

    def test_two_groups_read_everything_each(self, place: Place) -> None:
        topic = place.topic()
        place.send(topic, b"a")
        for group in ("one", "two"):
            assert len(take(place.consumer(topic, Journal(), group), 1)) == 1


class TestReadingAll:
    def test_the_whole_topic_to_its_end(self, place: Place) -> None:
        topic = place.topic(2)
        place.send(topic, b"a", b"b", partition=0)
        place.send(topic, b"c", partition=1)
        reading = place.exchange.read(topic, None)
        first = next(reading)
        place.send(topic, b"later", partition=0)
        assert sorted(r.value for r in [first, *reading]) == [b"a", b"b", b"c"]

    def test_from_given_offsets(self, place: Place) -> None:
        topic = place.topic(2)
        place.send(topic, b"a", b"b", partition=0)
        place.send(topic, b"c", partition=1)
        assert [r.value for r in place.exchange.read(topic, {0: 1})] == [b"b", b"c"]

    def test_an_expired_offset_is_said(self, place: Place) -> None:
        topic = place.topic()
        place.send(topic, b"a", b"b")
        place.admin.delete_records(topic, {0: 1})
        with pytest.raises(OffsetExpired):
            place.exchange.read(topic, {0: 0})

    def test_an_empty_topic_ends_at_once(self, place: Place) -> None:
        assert list(place.exchange.read(place.topic(), None)) == []


class TestTopics:
    def test_a_topic_made_again_has_another_id(self, place: Place) -> None:
        topic = place.topic()
        before = place.exchange.topic_id(topic)
        assert place.exchange.topic_id(topic) == before
        place.admin.delete(topic)
        with pytest.raises(TopicMissing):
            place.exchange.topic_id(topic)
        assert place.topic() == topic
        assert place.exchange.topic_id(topic) != before

    def test_a_reader_of_a_topic_made_again_asks_the_journal_again(self, place: Place) -> None:
        topic = place.topic()
        place.send(topic, b"old", b"old")
        journal = Journal()
        consumer = place.consumer(topic, journal)
        take(consumer, 2)
        place.admin.delete(topic)
        place.topic()
        place.send(topic, b"n0", b"n1", b"n2")
        taken: list[bytes] = []

        # Kafka may hand out some by their old offset before the new identity is known, and then begins anew.
        def read_from_the_start() -> bool:
            taken.extend(r.value for r in consumer.poll(3, 0.1))
            return taken[-3:] == [b"n0", b"n1", b"n2"]

        until(read_from_the_start)
        assert len(journal.asked) >= 2

    def test_a_topic_cannot_be_made_twice(self, place: Place) -> None:
        topic = place.topic()
        with pytest.raises(TopicExists):
            place.admin.create(topic, 1, 1, {})

    def test_describe_leaves_missing_topics_out(self, place: Place) -> None:
        topic = place.topic(3)
        found = place.admin.describe([topic, "nobody-made-me"])
        assert list(found) == [topic]
        assert (found[topic].partitions, found[topic].replication, found[topic].in_sync) == (3, 1, 1)
        assert found[topic].config["message.timestamp.type"] == "LogAppendTime"
        assert found[topic].topic_id == place.exchange.topic_id(topic)
        assert place.admin.describe([]) == {}

    def test_a_missing_topic_cannot_be_deleted(self, place: Place) -> None:
        with pytest.raises(TopicMissing):
            place.admin.delete("nobody-made-me")
