"""The main loop of a service: intake, steps, followers, in turn, in one thread, until it is told to stop.

Each part survives its own death by itself; the loop only gives them turns. SIGTERM lets the batch in hand finish.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType

import structlog

from jiexu.exchange.port import Consumer, ExchangeRefused, ExchangeUnavailable, OffsetExpired
from jiexu.exchange.topics import topic_name
from jiexu.journal.port import JournalUnavailable, Moved
from jiexu.service.agency import Agency
from jiexu.service.bank_watch import BankWatch
from jiexu.service.casebook import CaseBook
from jiexu.service.consequences import Consequences
from jiexu.service.course import CourseLog
from jiexu.service.deadletters import DeadLetters
from jiexu.service.doubt import AskAgain
from jiexu.service.followers import Ledger, Relay, Resend
from jiexu.service.intake import Intake
from jiexu.service.last_known import LastKnown
from jiexu.service.startup import LedgerWatch, check_at_start
from jiexu.service.steps import Steps
from jiexu.service.upkeep import Upkeep
from jiexu.service.watching.pulse import Pulse, TimedPart
from jiexu.service.work import RolePart

# How long an idle turn waits for records: a case's latency is a few of these.
POLL_SECONDS = 0.05
# A service that has had nothing to do for a while looks at its journal less often, for clerks' commands: a tenth of a
# core is too much for waiting. What arrives in the mailbox ends the wait at once.
IDLE_POLL_SECONDS = 0.25
IDLE_AFTER_TURNS = 40
# Records taken in at once. A bundle may hold 256 events: after an outage more would be too much for one transaction.
RECORDS_AT_ONCE = 128
# Parts that look at clocks or at other systems' books need no turn every few milliseconds.
SLOW_TURN_SECONDS = 0.2
RESEND_TURN_SECONDS = 30.0
# How soon a changed directory is known, and what waited for it is tried again.
UPKEEP_TURN_SECONDS = 30.0
# How long two journals of one region can live at the same time before one of them notices.
WATCH_TURN_SECONDS = 30.0
# A turn that takes longer than this is stuck in a call that outlives its timeout: the process is killed and restarted.
WATCHDOG_SECONDS = 300.0


@dataclass
class Service:
    """One role of one region, running."""

    agency: Agency
    part: RolePart
    stop_signal: int = 0

    def __post_init__(self) -> None:
        self.pulse = Pulse(self.agency.region, self.part.role)
        self._open_parts()

    def _open_parts(self) -> None:
        """The parts, with nothing in mind but what the journal holds."""
        agency, role = self.agency, self.part.role
        self.log = structlog.get_logger().bind(region=agency.region, role=role.value)
        self.topic = topic_name(agency.region, role.value)
        self.topic_id = agency.exchange.topic_id(self.topic)
        self.ledger = Ledger(agency)
        self.steps = Steps(agency, TimedPart(self.part, self.pulse), self.ledger.holds)
        self.intake = Intake(agency, role)
        self.upkeep = Upkeep(agency, self.intake)
        self.watch = LedgerWatch(agency)
        self.relay = Relay(agency, role, self.ledger)
        self.resend = Resend(agency, role)
        self.deadletters = DeadLetters(agency)
        self.last_known = LastKnown(agency, role)
        self.ask_again = AskAgain(agency, role)
        self.consequences = Consequences(agency, role)
        self.bank = BankWatch(agency, role)
        self.consumer: Consumer | None = None
        self.course = CourseLog(agency, role, self.consequences.cursor)
        self._due: dict[str, float] = {}

    def open_consumer(self) -> Consumer:
        """Read on from the journal's offset, never from the group's."""

        def start(_: str, partition: int) -> int | None:
            with self.agency.journal.read() as read:
                return read.offset(self.topic_id, partition)

        return self.agency.exchange.consumer(self.topic, f"jiexu.{self.agency.region}.{self.part.role.value}", start)

    def begin(self, poll: float = POLL_SECONDS) -> None:
        """Before the first step: the check at every start, then the mailbox as far as it reaches now.

        Partners' receipts and events say what they have seen of us: nothing is issued on less than that. Raises
        JournalConflict, ExchangeUnavailable.
        """
        agency = self.agency
        report = check_at_start(agency, self.pulse.alive)
        waiting = self._in_mailbox()
        while not self.stop_signal and any(self._offset(partition) < end for partition, end in waiting.items()):
            if self.take_in(poll):
                self.pulse.alive()
            else:  # what lay there may be gone before it was read: its tail was lost, or it has expired
                there = self._in_mailbox()
                waiting = {
                    partition: min(end, there[partition]) for partition, end in waiting.items() if partition in there
                }
        self.log.info("checked", absorbed=report.absorbed, derived=report.cases_derived)

    def _in_mailbox(self) -> dict[int, int]:
        """The ends of the partitions in which something lies."""
        exchange = self.agency.exchange
        starts = exchange.beginning_offsets(self.topic)
        return {p: end for p, end in exchange.end_offsets(self.topic).items() if end > starts.get(p, 0)}

    def _offset(self, partition: int) -> int:
        with self.agency.journal.read() as read:
            return read.offset(self.topic_id, partition) or 0

    def turn(self, poll: float = POLL_SECONDS) -> int:
        """One turn of everything; returns how much was done."""
        part, started = self.pulse.part, time.perf_counter()
        worked = self._every(UPKEEP_TURN_SECONDS, "upkeep", self.upkeep.turn)
        worked += part("intake", lambda: self.take_in(poll))
        worked += part("steps", self._step)
        worked += part("ledger", self.ledger.turn)
        worked += self._every(WATCH_TURN_SECONDS, "watch", self.watch.turn)
        worked += part("relay", self.relay.turn)
        part("log", self.course.turn)
        worked += part("consequences", self.consequences.turn)
        worked += self._every(SLOW_TURN_SECONDS, "bank", self.bank.turn)
        worked += self._every(SLOW_TURN_SECONDS, "deadletters", self.deadletters.turn)
        worked += self._every(SLOW_TURN_SECONDS, "last_known", self.last_known.turn)
        worked += self._every(RESEND_TURN_SECONDS, "resend", self.resend.turn)
        worked += self._every(RESEND_TURN_SECONDS, "ask_again", self.ask_again.turn)
        self.agency.book.trim()
        self.pulse.turned(time.perf_counter() - started)
        return worked

    def _step(self) -> int:
        turned = self.steps.turn(self.agency.config.batch)
        return turned.issued + turned.claimed

    def take_in(self, poll: float) -> int:
        """Take what arrived into the journal."""
        if self.consumer is None:
            self.consumer = self.open_consumer()
        try:
            records = self.consumer.poll(min(self.agency.config.batch, RECORDS_AT_ONCE), poll)
        except OffsetExpired as gap:
            self._offset_expired(gap)
            return 0
        self.pulse.polled()
        if not records:
            return 0
        try:
            taken = self.intake.take(records, self.topic_id)
        except Moved:
            self.log.warning("batch_taken_elsewhere", topic=self.topic)
            self._seek_to_journal()
            return 0
        except BaseException:
            self.close()  # it stands beyond what was not taken in: the next one begins where the journal does
            raise
        self.log.debug("taken_in", records=taken)
        return taken

    def _seek_to_journal(self) -> None:
        assert self.consumer is not None, "records came from a consumer"
        with self.agency.journal.read() as read:
            for topic, partition in self.consumer.assignment():
                self.consumer.seek(topic, partition, read.offset(self.topic_id, partition) or 0)

    def _offset_expired(self, gap: OffsetExpired) -> None:
        """Records went before they were read: an alarm; reading goes on at the start, partners send again."""
        assert self.consumer is not None, "the gap came from a consumer"
        with self.agency.journal.write() as write:
            stands = write.offset(self.topic_id, gap.partition)
            write.raise_todo("alarm", "offset_expired", None, gap.zh, gap.en, f'{{"partition": {gap.partition}}}')
            write.advance(self.topic_id, gap.partition, stands, gap.earliest)
        self.consumer.seek(gap.topic, gap.partition, gap.earliest)
        self.log.error("offset_expired", partition=gap.partition, asked=gap.asked, earliest=gap.earliest)

    def _every(self, seconds: float, name: str, turn: Callable[[], int]) -> int:
        now = time.monotonic()
        if now < self._due.get(name, 0.0):
            return 0
        self._due[name] = now + seconds
        return self.pulse.part(name, turn)

    def run(self) -> None:
        """Turn until told to stop. An exchange or a journal that does not answer makes it wait, longer each time, and
        so does an exchange that refuses us by now. One that refuses us at the start ends it: who starts it reads why.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        threading.Thread(target=self._watch, daemon=True).start()
        self.log.info("started", topic=self.topic)
        wait = 0.1
        checked = lost = False
        idle = 0
        while not self.stop_signal:
            try:
                if not checked:
                    if lost:
                        self.forget()
                    self.begin()
                    self.pulse.checked = checked = True
                worked = self.turn(POLL_SECONDS if idle < IDLE_AFTER_TURNS else IDLE_POLL_SECONDS)
                idle = 0 if worked else idle + 1
                wait = 0.1
            except (ExchangeUnavailable, JournalUnavailable) as error:
                self.pulse.waiting(error.zh, error.en)
                away = "exchange"
                if isinstance(error, JournalUnavailable):
                    away, checked, lost = "journal", False, True
                    self.pulse.checked = False
                self.log.warning(f"{away}_unavailable", error=error.en, wait=wait)
                self._wait(wait)
                wait = min(wait * 2, 10.0)
            except ExchangeRefused as error:
                if not checked:
                    raise
                self.pulse.waiting(error.zh, error.en)
                self._refused(error)
                self._wait(wait)
                wait = min(wait * 2, 10.0)
        self.log.info("stopping", signal=signal.Signals(self.stop_signal).name)
        self.close()
        self.log.info("stopped")

    def forget(self) -> None:
        """After the journal was away: whether its last block was committed is open, and a standby that took over may
        lack what was. So it goes on as a new process would, from what stands there, with the check at every start."""
        self.close()
        self.agency.book = CaseBook()
        self._open_parts()

    def _refused(self, error: ExchangeRefused) -> None:
        """A password or right that is gone: a person is told, once, and reading begins anew once it is back."""
        self.log.error("exchange_refused", code=error.code, error=error.en)
        self.close()
        with suppress(JournalUnavailable), self.agency.journal.write() as write:
            write.raise_todo("alarm", error.code, None, error.zh, error.en, json.dumps({"topic": self.topic}))

    def _wait(self, seconds: float) -> None:
        """Wait, but not beyond a signal to stop."""
        until = time.monotonic() + seconds
        while not self.stop_signal and time.monotonic() < until:
            time.sleep(0.1)

    def close(self) -> None:
        """Give back what the service opened; the agency is its maker's to close."""
        if self.consumer is not None:
            self.consumer.close()
            self.consumer = None

    def _stop(self, number: int, _: FrameType | None) -> None:
        """Only note the signal. It interrupts whatever runs: a log line or a lock here could wait for itself."""
        self.stop_signal = number

    def _watch(self) -> None:
        """Some calls outlive their timeouts. A stuck process is worth less than a dead one: every part can resume."""
        while not self.stop_signal:
            time.sleep(5.0)
            if self.pulse.still() > WATCHDOG_SECONDS:
                self.log.critical("stuck", seconds=WATCHDOG_SECONDS)
                os._exit(70)
