"""A look at something that may be slow or gone: by a thread of its own, at rest while nobody asks, never in the way.

Who asks waits for a moment, and gets the last answer where no new one comes in time: a scrape is answered while the
journal's disk hangs or the broker is away, for that is when one looks. A look that was dear is not repeated soon: its
thread works for a small share of the time, however large the journal grows.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import Metric

from jiexu.service.watching.figures import Place

FRESH_SECONDS = 1.0
"""Two scrapers, or a scrape and a health check, at the same time share one look."""

KEPT_SECONDS = 120.0
"""Figures older than this are not shown any more: an old figure looks like a good one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a source: its figures, and whether the last look at it succeeded and no look hangs."""

    figures: Sequence[Metric]
    ok: bool
    zh: str
    en: str


class Lookout:
    """Looks at one source. `share`: the part of the time that its thread may work."""

    def __init__(self, source: str, look: Callable[[], Sequence[Metric]], place: Place, share: float = 0.05) -> None:
        self.source = source
        self._place = place
        self._look = look
        self._share = share
        self._turn = threading.Condition()
        self._wanted = self._busy = self._stopped = False
        self._ended = 0
        self._figures: Sequence[Metric] = ()
        self._error: tuple[str, str] | None = None
        self._thread: threading.Thread | None = None
        self.took = 0.0
        self.looked_at = 0.0  # monotonic, of the last look that ended, well or not
        self.seen_when = 0.0  # Unix time of the last one that ended well
        self.failures = 0

    def ask(self) -> None:
        """Want a new look, unless the last one is fresh or was so dear that the thread must rest."""
        with self._turn:
            if self._stopped or self._wanted or self._busy or self._rests():
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name=f"look-{self.source}")
                self._thread.start()
            self._wanted = True
            self._turn.notify_all()

    def answer(self, until: float) -> Seen:
        """What is seen, waiting for a look under way until `until` (monotonic)."""
        with self._turn:
            self._turn.wait_for(lambda: not (self._wanted or self._busy), max(0.0, until - time.monotonic()))
            if self._wanted or self._busy:
                zh, en = "没有及时应答", "no answer in time"
                kept = time.monotonic() - self.looked_at < KEPT_SECONDS
                return Seen(self._figures if kept else (), False, zh, en)
            if self._error is not None:
                return Seen((), False, *self._error)
            return Seen(self._figures, True, "", "")

    def stop(self) -> None:
        """Let the thread end after the look in hand, waiting a moment for it."""
        with self._turn:
            self._stopped = True
            self._turn.notify_all()
        if self._thread is not None:
            self._thread.join(1.0)

    def _rests(self) -> bool:
        # A look that failed has waited, not worked; and what is well again must be seen at once.
        dear = self.took / self._share if self._error is None else 0.0
        rest = min(max(FRESH_SECONDS, dear), KEPT_SECONDS / 2)
        return self._ended > 0 and time.monotonic() - self.looked_at < rest

    def _run(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._wanted or self._stopped)
                if self._stopped:
                    return
                self._wanted, self._busy = False, True
            started = time.monotonic()
            figures, error = self._try()
            with self._turn:
                self._busy = False
                self._ended += 1
                self.looked_at = time.monotonic()
                self.took = self.looked_at - started
                if error is None:
                    self._figures, self.seen_when = figures, time.time()
                else:
                    self.failures += 1
                self._error = error
                self._turn.notify_all()

    def _try(self) -> tuple[Sequence[Metric], tuple[str, str] | None]:
        """One look. Whatever goes wrong in it is told, and is no concern of the service."""
        try:
            return self._look(), None
        except Exception as error:
            zh = getattr(error, "zh", None) or f"{type(error).__name__}: {error}"
            en = getattr(error, "en", None) or f"{type(error).__name__}: {error}"
            if self._error is None:  # once, not at every scrape
                known = hasattr(error, "zh")
                log = structlog.get_logger().bind(region=self._place[0], role=self._place[1])
                log.warning("look_failed", source=self.source, error=en, exc_info=not known)
            return (), (zh, en)
