"""Logging in to a real secured Kafka: what works, and what is told, where and how soon, when it does not."""

import gc
import logging
import os
import socket
import ssl
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import UserScramCredentialUpsertion
from kafka.admin._users import ScramMechanism

from jiexu.exchange import ExchangeUnavailable, LoginRefused, NotAllowed, Outgoing, Record
from jiexu.exchange.kafka import KafkaExchange, KafkaSettings
from jiexu.exchange.kafka import consumer as consumer_module
from jiexu.exchange.kafka.defects import connect_once
from jiexu.exchange.kafka.login import login_options
from tests.certificates import Authority, write_secret
from tests.exchange.place import Journal, Place, take, until
from tests.exchange.secured_fixture import ADMIN, STRANGER, Secured

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("secured")]


def topics_seen(settings: KafkaSettings) -> list[str]:
    admin = KafkaExchange(settings).admin()
    try:
        return admin.topics()
    finally:
        admin.close()


def refused(settings: KafkaSettings) -> LoginRefused:
    with pytest.raises(LoginRefused) as error:
        topics_seen(settings)
    return error.value


class TestLetIn:
    def test_a_password_over_tls_carries_records_both_ways(self, secured: Secured) -> None:
        place = Place(KafkaExchange(secured.by_password(ADMIN)), "scram")
        topic = place.topic()
        place.send(topic, b"a", b"b")
        assert [r.value for r in take(place.consumer(topic, Journal()), 2)] == [b"a", b"b"]
        assert [r.value for r in place.exchange.read(topic, None)] == [b"a", b"b"]
        place.close()

    def test_a_certificate_says_who_it_is_by_its_common_name(self, secured: Secured) -> None:
        place = Place(KafkaExchange(secured.by_certificate(ADMIN)), "mutual")  # the super user, by its certificate
        topic = place.topic()
        place.send(topic, b"a")
        assert [r.value for r in take(place.consumer(topic, Journal()), 1)] == [b"a"]
        place.close()

    def test_who_logs_in_may_nothing_by_that(self, secured: Secured) -> None:
        for settings in (secured.by_password(STRANGER), secured.by_certificate(STRANGER)):
            assert topics_seen(settings) == []
            exchange = KafkaExchange(settings)
            with pytest.raises(NotAllowed) as error:
                exchange.end_offsets("jiexu.610100.ledger")
            exchange.close()
            assert "jiexu.610100.ledger" in error.value.zh
            assert "jiexu topics acls --check" in error.value.en

    def test_a_new_password_is_taken_up_with_the_next_connection(self, secured: Secured) -> None:
        file = secured.file("changing", "wrong")
        admin = KafkaExchange(secured.by_password(ADMIN, sasl_password_file=str(file))).admin()
        with pytest.raises(LoginRefused):
            admin.topics()
        secured.file("changing", secured.passwords[ADMIN])
        assert isinstance(admin.topics(), list)
        admin.close()


class TestReplaced:
    """A password is replaced while clients run, at the broker and in the file, in whatever order."""

    @pytest.fixture
    def set_password(self, secured: Secured) -> Iterator[Callable[[str], None]]:
        """Change the administrator's password at the broker; it is put back at the end."""
        administrator = KafkaExchange(secured.by_password(ADMIN)).admin()

        def change(password: str) -> None:
            wanted = UserScramCredentialUpsertion(ADMIN, ScramMechanism.SCRAM_SHA_512, password)
            administrator.ask(lambda client: client.alter_user_scram_credentials([wanted]))

        yield change
        change(secured.passwords[ADMIN])
        administrator.close()

    @pytest.fixture
    def place(self, secured: Secured, set_password: Callable[[str], None]) -> Iterator[Place]:
        """A client whose password stands in a file of its own."""
        set_password("first")
        settings = secured.by_password(ADMIN, sasl_password_file=str(secured.file("replaced", "first")))
        place = Place(KafkaExchange(settings), uuid.uuid4().hex[:8])
        yield place
        place.close()

    def test_clients_take_it_up_where_they_would_else_go_on_with_the_old_one(
        self,
        secured: Secured,
        place: Place,
        set_password: Callable[[str], None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(consumer_module, "PROBE_SECONDS", 0.2)
        topic, journal = place.topic(), Journal()
        consumer: Any = place.consumer(topic, journal)
        producer: Any = place.producer
        place.send(topic, b"a")
        journal.take(take(consumer, 1))
        first = consumer._client, producer._client

        secured.file("replaced", "second")  # before the broker has it: what is in hand holds on
        for _ in range(5):
            assert consumer.poll(10, 0.1) == []
        assert consumer._client is first[0]
        set_password("second")
        until(lambda: consumer.poll(10, 0.1) == [] and consumer._client is not first[0])
        place.send(topic, b"b")
        assert producer._client is not first[1]
        assert [record.value for record in take(consumer, 1)] == [b"b"]

    def test_a_consumer_that_gets_no_answer_looks_whether_it_is_let_in_at_all(
        self,
        secured: Secured,
        place: Place,
        set_password: Callable[[str], None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        topic = place.topic()
        consumer: Any = place.consumer(topic, Journal())
        place.send(topic, b"a")
        assert len(take(consumer, 1)) == 1
        first = consumer._client

        def silent(*_: Any) -> list[Record]:
            raise ExchangeUnavailable("", "connections end, and nobody says why")

        with monkeypatch.context() as cut:
            cut.setattr(consumer, "_look", silent)
            set_password("second")
            with pytest.raises(LoginRefused):
                consumer.poll(10, 0.1)
            secured.file("replaced", "second")
            with pytest.raises(ExchangeUnavailable):
                consumer.poll(10, 0.1)
        assert consumer._client is not first
        assert len(take(consumer, 1)) == 1


class TestTurnedAway:
    """Each says what, where and what to do, and is told after one try: never by waiting, never by hammering."""

    @pytest.fixture(autouse=True)
    def _one_try(self, caplog: pytest.LogCaptureFixture) -> Any:
        """The library reports each connection that failed: with its own retries there would be a dozen."""
        with caplog.at_level(logging.ERROR, logger="kafka.net.manager"):
            yield
        failed = [r for r in caplog.records if "failed" in r.getMessage().lower()]
        assert len(failed) <= 1, [r.getMessage() for r in failed]

    def test_a_wrong_password(self, secured: Secured) -> None:
        file = secured.file("wrong", "not this")
        error = refused(secured.by_password(ADMIN, sasl_password_file=str(file)))
        assert "用户 admin 未被接受" in error.zh
        assert str(file) in error.en
        assert "kafka-configs.sh" in error.en
        assert "not this" not in str(error) + error.zh + error.en

    def test_a_user_that_is_not_there(self, secured: Secured) -> None:
        assert "there is no such user" in refused(secured.by_password("nobody")).en

    def test_a_server_of_another_authority(self, secured: Secured, tmp_path: Path) -> None:
        other = Authority.create(tmp_path / "other", "somebody else")
        error = refused(secured.by_password(ADMIN, ssl_ca_file=str(other.certificate)))
        assert str(other.certificate) in error.zh
        assert "is not vouched for" in error.en

    def test_a_server_of_another_name(self, secured: Secured) -> None:
        port = secured.broker.bootstrap.rpartition(":")[2]
        error = refused(secured.by_password(ADMIN, bootstrap=f"localhost:{port}"))
        assert "not for this address" in error.en
        assert "advertised.listeners" in error.zh

    def test_a_mechanism_that_the_server_does_not_take(self, secured: Secured) -> None:
        assert "sasl.enabled.mechanisms" in refused(secured.by_password(ADMIN, sasl_mechanism="SCRAM-SHA-256")).en

    def test_no_certificate_where_one_is_asked_for(self, secured: Secured) -> None:
        nothing = dict.fromkeys(("ssl_cert_file", "ssl_key_file", "ssl_key_password_file"))
        error = refused(secured.by_certificate(STRANGER, **nothing))
        assert "none is configured" in error.en

    def test_a_certificate_of_another_authority(self, secured: Secured, tmp_path: Path) -> None:
        certificate, key = Authority.create(tmp_path / "other").issue("jiexu.330300", host=None)
        changes = {"ssl_cert_file": str(certificate), "ssl_key_file": str(key), "ssl_key_password_file": None}
        error = refused(secured.by_certificate(STRANGER, **changes))
        assert str(certificate) in error.zh

    def test_a_certificate_that_has_expired(self, secured: Secured) -> None:
        certificate, key = secured.authority.issue("expired", host=None, days=-1)
        changes = {"ssl_cert_file": str(certificate), "ssl_key_file": str(key), "ssl_key_password_file": None}
        assert "expired at" in refused(secured.by_certificate(STRANGER, **changes)).en

    def test_no_login_where_one_is_asked_for(self, secured: Secured) -> None:
        settings = KafkaSettings(
            bootstrap=secured.broker.bootstrap, security="SSL", ssl_ca_file=str(secured.authority.certificate)
        )
        assert "SASL_SSL" in refused(settings).en


class TestSilence:
    """What looks the same as a server that is away is told as such, with what it may be."""

    def test_tls_to_a_port_without(self, secured: Secured, kafka_bootstrap: str) -> None:
        with pytest.raises(ExchangeUnavailable) as error:
            topics_seen(secured.by_password(ADMIN, bootstrap=kafka_bootstrap))
        assert "is this port for TLS" in error.value.en

    def test_no_tls_to_a_port_with(self, secured: Secured) -> None:
        settings = KafkaSettings(bootstrap=secured.broker.bootstrap, request_timeout=0.5, delivery_timeout=1)
        assert "takes TLS only" in refused(settings).en
        assert "TLS only" in refused(secured.by_password(ADMIN, security="SASL_PLAINTEXT", ssl_ca_file=None)).en

    def test_a_server_that_says_nothing_in_the_handshake_is_unavailable(self, secured: Secured) -> None:
        with socket.socket() as mute:
            mute.bind(("127.0.0.1", 0))
            mute.listen()  # the system takes connections, nobody answers
            bootstrap = f"127.0.0.1:{mute.getsockname()[1]}"
            with pytest.raises(ExchangeUnavailable):
                topics_seen(secured.by_password(ADMIN, bootstrap=bootstrap, request_timeout=0.5, delivery_timeout=1))

    def test_a_login_leaves_nothing_open_whether_it_holds_or_not(self, secured: Secured) -> None:
        wrong = str(secured.file("wrong", "not this"))
        logins = [secured.by_password(ADMIN), secured.by_password(ADMIN, sasl_password_file=wrong)]
        tries = [settings.client_options() | login_options(settings) for settings in logins]

        def opened() -> int:
            return len(os.listdir("/proc/self/fd"))

        for options in tries:  # what is kept for the process is opened now
            connect_once(options, 5)
        gc.collect()
        before = opened()
        for options in tries * 5:
            connect_once(options, 5)
        assert opened() <= before

    def test_one_server_of_several_is_enough(self, secured: Secured) -> None:
        both = f"127.0.0.1:1,{secured.broker.bootstrap}"
        assert isinstance(topics_seen(secured.by_password(ADMIN, bootstrap=both)), list)

    def test_a_refusal_is_told_before_a_server_that_is_away(self, secured: Secured) -> None:
        both = f"127.0.0.1:1,{secured.broker.bootstrap}"
        wrong = str(secured.file("wrong", "not this"))
        assert "admin" in refused(secured.by_password(ADMIN, bootstrap=both, sasl_password_file=wrong)).en

    def test_sending_says_so_too(self, secured: Secured) -> None:
        wrong = str(secured.file("wrong", "not this"))
        producer = KafkaExchange(secured.by_password(ADMIN, sasl_password_file=wrong)).producer()
        with pytest.raises(LoginRefused):
            producer.send([Outgoing("t", 0, None, b"a")])
        producer.close()


class TestFiles:
    """What is wrong with the files is known before anybody is asked."""

    def test_a_password_that_others_can_read_is_refused(self, secured: Secured) -> None:
        file = secured.file("open", "secret")
        os.chmod(file, 0o644)
        error = refused(secured.by_password(ADMIN, sasl_password_file=str(file)))
        assert "0644" in error.zh
        assert f"chmod go-rwx {file}" in error.en

    def test_a_key_that_others_can_read_is_refused(self, secured: Secured) -> None:
        certificate, key = secured.authority.issue("open-key", host=None)
        os.chmod(key, 0o640)
        changes = {"ssl_cert_file": str(certificate), "ssl_key_file": str(key), "ssl_key_password_file": None}
        assert "0640" in refused(secured.by_certificate(STRANGER, **changes)).en

    def test_a_key_of_another_certificate_is_named(self, secured: Secured) -> None:
        certificate, _ = secured.authority.issue("one", host=None)
        _, key = secured.authority.issue("two", host=None)
        changes = {"ssl_cert_file": str(certificate), "ssl_key_file": str(key), "ssl_key_password_file": None}
        assert "is not that of" in refused(secured.by_certificate(STRANGER, **changes)).en

    @pytest.mark.parametrize("given", [None, "not this one"])
    def test_an_encrypted_key_without_its_password_does_not_ask_at_the_terminal(
        self, secured: Secured, given: str | None
    ) -> None:
        file = None if given is None else str(secured.file("key-password", given))
        assert "ssl_key_password_file" in refused(secured.by_certificate(STRANGER, ssl_key_password_file=file)).en

    @pytest.mark.parametrize("name", ["ssl_ca_file", "ssl_cert_file", "ssl_key_file", "ssl_key_password_file"])
    def test_a_missing_file_is_named(self, secured: Secured, name: str) -> None:
        assert "/nowhere/x.pem" in refused(secured.by_certificate(STRANGER, **{name: "/nowhere/x.pem"})).en

    def test_a_ca_that_is_no_certificate_is_named(self, secured: Secured, tmp_path: Path) -> None:
        no_pem = write_secret(tmp_path / "ca.pem", "hello")
        assert str(no_pem) in refused(secured.by_password(ADMIN, ssl_ca_file=str(no_pem))).zh

    def test_tls_is_at_least_1_2_and_checks_the_server(self, secured: Secured) -> None:
        options = login_options(secured.by_password(ADMIN))
        assert options["ssl_context"].minimum_version is ssl.TLSVersion.TLSv1_2
        assert options["ssl_context"].verify_mode is ssl.CERT_REQUIRED
        assert options["ssl_context"].check_hostname

    def test_the_library_that_logs_its_configuration_logs_no_password(
        self, secured: Secured, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG, logger="kafka"):
            topics_seen(secured.by_password(ADMIN))
        assert "sasl_plain_password" in caplog.text  # it does log it
        assert secured.passwords[ADMIN] not in caplog.text
        assert secured.passwords[ADMIN] not in repr(secured.by_password(ADMIN))
