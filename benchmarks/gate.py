"""A way to a server that can fall silent: nothing comes through, nobody is told, and what was sent meanwhile arrives
late, as on a network that loses packets for a minute and then delivers what TCP has kept.
"""

import socket
import threading
from contextlib import suppress

READ_BYTES = 65_536


class Gate:
    """Listens on `port` of loopback for the clients of a server on another port of loopback."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self.delayed = 0
        """How many pieces came while nothing came through, and went on late."""
        self._up, self._down = threading.Event(), threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.open()
        threading.Thread(target=self._accept, daemon=True).start()

    def open(self) -> None:
        """Let everything through, what has waited first."""
        self._up.set()
        self._down.set()

    def silence_answers(self) -> None:
        """The server still hears, its answers do not arrive: what it has taken, nobody knows of."""
        self._down.clear()

    def silence(self) -> None:
        """Nothing comes through either way. Connections stay, and new ones are taken and not answered."""
        self._up.clear()
        self._down.clear()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()
        self.open()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._up.wait()
        try:
            server = socket.create_connection(("127.0.0.1", self._server_port))
        except OSError:
            client.close()  # nobody there: the client is told, as it would be without us
            return
        threading.Thread(target=self._carry, args=(server, client, self._down), daemon=True).start()
        self._carry(client, server, self._up)

    def _carry(self, source: socket.socket, target: socket.socket, passing: threading.Event) -> None:
        """Carry bytes one way, while they pass, until either end is gone."""
        with suppress(OSError):
            while data := source.recv(READ_BYTES):
                if not passing.is_set():
                    self.delayed += 1
                    passing.wait()
                target.sendall(data)
        passing.wait()  # a connection's end is told like its bytes
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
        source.close()
