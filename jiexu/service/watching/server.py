"""The HTTP endpoint: `/metrics`, `/healthz`, `/readyz`. A thread of its own, one more for each request."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from jiexu.service.watching.figures import Place
from jiexu.service.watching.health import Health

REQUEST_SECONDS = 10.0
"""A client that says nothing for so long is let go."""

AGAIN_SECONDS = 5.0
"""How soon an address that is in use is tried again: the process before may still be closing."""


class Endpoint:
    """Answers on one address until it is stopped. That nobody can ask is told, and never stops the service."""

    def __init__(
        self,
        place: Place,
        host: str,
        port: int,
        registry: CollectorRegistry,
        alive: Callable[[], Health],
        ready: Callable[[], Health],
    ) -> None:
        self.address = (host, port)
        # A thread has no context of its own: what every line bears is bound here.
        self._log = structlog.get_logger().bind(region=place[0], role=place[1], host=host, port=port)
        self._handler = _handler(registry, alive, ready)
        self._server: ThreadingHTTPServer | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True, name="watch-endpoint")

    def start(self) -> None:
        """Begin to listen, as soon as the address is free."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._stopped.set()
        if self._server is not None:
            self._server.shutdown()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _serve(self) -> None:
        log = self._log
        told = False
        while not self._stopped.is_set():
            try:
                server = _Server(self.address, self._handler)
            except OSError as error:
                if not told:
                    log.warning("watch_not_listening", error=str(error))
                told = True
                self._stopped.wait(AGAIN_SECONDS)
                continue
            with server:
                self._server = server
                log.info("watch_listening")
                server.serve_forever(poll_interval=0.2)
            return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; and no failure here is the service's."""
        structlog.get_logger().debug("watch_request_failed", exc_info=True)


def _handler(
    registry: CollectorRegistry, alive: Callable[[], Health], ready: Callable[[], Health]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_SECONDS
        server_version = "jiexu"
        sys_version = ""

        def do_GET(self) -> None:
            match self.path.split("?")[0]:
                case "/metrics":
                    encode, content_type = choose_encoder(self.headers.get("Accept", ""))
                    self._answer(200, content_type, encode(registry))
                case "/healthz":
                    self._health(alive())
                case "/readyz":
                    self._health(ready())
                case _:
                    self._answer(404, "text/plain; charset=utf-8", b"/metrics /healthz /readyz\n")

        do_HEAD = do_GET

        def _health(self, health: Health) -> None:
            text = json.dumps(health.document(), ensure_ascii=False, indent=2) + "\n"
            self._answer(200 if health.well else 503, "application/json; charset=utf-8", text.encode())

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """A scrape every few seconds is no news."""

    return Handler
