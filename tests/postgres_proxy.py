"""A way to PostgreSQL that can be cut: connections end, new ones are refused, or the answer to a COMMIT is lost."""

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict

COMMIT = re.compile(rb"Q\x00\x00\x00.COMMIT\x00", re.DOTALL)
READY = b"Z\x00\x00\x00\x05"  # the server has answered, and waits for the next statement


class Proxy:
    """Listens on a socket in `folder` for a server's clients. `url` is the server's address by this way."""

    def __init__(self, server: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / ".s.PGSQL.5432"
        self._server = conninfo_to_dict(server)
        self.lose_commit = 0
        """Of how many more COMMITs the last loses its answer; 0 loses none. The server has committed it by then."""
        self.lost = 0
        self._ends: list[socket.socket] = []
        self._listener: socket.socket | None = None
        settings = {name: value for name, value in self._server.items() if name not in ("host", "port", "hostaddr")}
        user, database = settings.pop("user"), settings.pop("dbname")
        query = urlencode({"host": folder, "port": 5432, **settings}, quote_via=quote)
        self.url = f"postgresql://{user}@/{database}?{query}"
        self.open()

    def open(self) -> None:
        """Let clients in."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._path.unlink(missing_ok=True)
        self._listener.bind(str(self._path))
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """End every connection and let nobody in."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self._path.unlink(missing_ok=True)
        self._end(*self._ends)
        self._ends.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = self._connect()
            self._ends += [client, server]
            waiting = threading.Event()  # set: the answer that comes next is not to arrive
            threading.Thread(target=self._up, args=(client, server, waiting), daemon=True).start()
            threading.Thread(target=self._down, args=(client, server, waiting), daemon=True).start()

    def _connect(self) -> socket.socket:
        host = str(self._server.get("host", "localhost"))
        port = int(self._server.get("port") or 5432)
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _up(self, client: socket.socket, server: socket.socket, waiting: threading.Event) -> None:
        for data in _read(client):
            if COMMIT.search(data) and self.lose_commit:
                self.lose_commit -= 1
                if not self.lose_commit:
                    waiting.set()
            with contextlib.suppress(OSError):
                server.sendall(data)
        self._end(client, server)

    def _down(self, client: socket.socket, server: socket.socket, waiting: threading.Event) -> None:
        for data in _read(server):
            if waiting.is_set():
                if READY in data:
                    self.lost += 1
                    break
                continue
            with contextlib.suppress(OSError):
                client.sendall(data)
        self._end(client, server)

    @staticmethod
    def _end(*ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _read(end: socket.socket) -> Iterator[bytes]:
    with contextlib.suppress(OSError):
        while data := end.recv(65536):
            yield data
