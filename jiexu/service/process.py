"""A service as a process: the region opened from its configuration, logs, the loop until SIGTERM."""

import gc
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import structlog

from jiexu.service.config import load_config
from jiexu.service.logs import configure_logs
from jiexu.service.loop import WATCHDOG_SECONDS, Service
from jiexu.service.wiring import open_agency, open_configured_exchange, open_configured_journal
from jiexu.service.work import RolePart

WATCH_CACHE_KIB = 2 * 1024
"""What each of the watch's connections to a journal's file keeps in memory: it reads little, and never in a hurry."""


@contextmanager
def watched(service: Service) -> Iterator[None]:
    """The service with its endpoint, where one is configured (service/watching)."""
    config, role = service.agency.config, service.part.role
    address = config.watch.address(role.value)
    if address is None:
        yield
        return
    from jiexu.service.watching.watch import Watch  # here: who is not watched loads nothing for it

    with closing(open_configured_journal(config, WATCH_CACHE_KIB)) as journal:
        watch = Watch(
            service.agency, role, service.pulse, journal, lambda: open_configured_exchange(config), WATCHDOG_SECONDS
        )
        watch.listen(*address)
        try:
            yield
        finally:
            watch.stop()


def serve(config_file: Path, part: RolePart) -> None:
    """Run one role of one region until SIGTERM or SIGINT; the batch in hand is finished.

    Raises what opening raises (`open_agency`), and whatever ends the loop, which is logged before.
    """
    # A stop while files are being opened interrupts nothing; the loop puts its own handlers in place.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    config = load_config(config_file)
    level = logging.getLevelNamesMapping()[config.log_level.upper()]
    configure_logs(level, region=config.region, role=part.role.value)
    log = structlog.get_logger()
    with closing(open_agency(config, f"{config.region}.{part.role.value}")) as agency:
        try:
            service = Service(agency, part)
            with watched(service):
                _collect_seldom()
                service.run()
        except Exception as error:
            # What the product foresaw says what is wrong by itself; a traceback is for what it did not.
            log.critical("died", error=getattr(error, "en", None) or str(error), exc_info=not hasattr(error, "en"))
            raise


def _collect_seldom() -> None:
    """What is loaded stays, and cases in hand are trees: looking for cycles in them took a tenth of a busy service."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
