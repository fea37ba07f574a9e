"""A real single-node Kafka on loopback, for tests and for trying the product: start, stop, status.

One process is broker and controller (KRaft). It is not made for production: one copy of the data, and Kafka
confirms a record before the disk has it.
"""

import fcntl
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from jiexu.exchange.broker_parts import KAFKA_VERSION, Progress, find_parts
from jiexu.exchange.broker_properties import LOGGING, BrokerSecurity, Ports, server_properties
from jiexu.exchange.port import ExchangeError

DEFAULT_DIR = Path("~/.local/state/jiexu/kafka")
DEFAULT_PORT = 9092
HEAP_MB = 512
START_SECONDS = 90.0
"""A start takes about 3 s; on a machine whose cores are busy it was seen to take ten times as long."""
STOP_SECONDS = 45.0
LOG_BYTES = 10 * 1024 * 1024
CLUSTER_ID = "amlleHUta2Fma2EtMDAwMQ"  # 16 bytes in base64url, any; one cluster a directory, never two that meet


class BrokerFailed(ExchangeError):
    """The local broker did not start or stop; the sentence names its log."""

    code = "exchange.broker_failed"


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """`running`: the process lives. `answering`: it serves requests. `memory_mb`: resident, where known."""

    running: bool
    answering: bool
    bootstrap: str | None
    pid: int | None
    memory_mb: int | None
    directory: str
    version: str = KAFKA_VERSION


def quiet(_zh: str, _en: str) -> None:
    """Progress for nobody."""


class LocalBroker:
    """One Kafka in one directory. `port` 0 takes a free port and keeps it for later starts.

    The process holds a lock on the directory's `lock` file for as long as it lives (it inherits the
    open file), so that "does it run" needs no guess from a process number, which the system gives out
    again. With `security` it is closed to all who do not log in; it must be the same at every start. `told` is the
    port that an open one sends its clients to, where something stands between them and it.
    """

    def __init__(
        self,
        directory: Path,
        port: int = 0,
        progress: Progress = quiet,
        security: BrokerSecurity | None = None,
        told: int | None = None,
    ) -> None:
        self.directory = Path(directory).expanduser().absolute()
        self._wanted_port = port
        self._progress = progress
        self._security = security
        self._told = told
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """`127.0.0.1:port`. Raises `BrokerFailed` before the first start."""
        state = self._state()
        if state is None:
            raise BrokerFailed(
                f"{self.directory} 中没有 Kafka。请先运行 jiexu kafka up。",
                f"There is no Kafka in {self.directory}. Run jiexu kafka up first.",
            )
        return f"127.0.0.1:{state['port']}"

    @property
    def mutual_bootstrap(self) -> str:
        """`127.0.0.1:port` of a secured broker's door for clients that log in with a certificate."""
        state = self._state()
        if state is None or not state["mutual"]:
            raise BrokerFailed(f"{self.directory} 中没有这样的 Kafka", f"no such Kafka in {self.directory}")
        return f"127.0.0.1:{state['mutual']}"

    @property
    def log(self) -> Path:
        """The broker's log file."""
        return self.directory / "kafka.log"

    def start(self) -> str:
        """Start it unless it runs, and wait until it answers; returns `host:port`.

        Raises `PartsMissing`, `BrokerFailed`.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._lock() as lock:
            if lock is not None:
                self._launch(lock)
        self._wait_until_answering()
        return self.bootstrap

    def stop(self) -> None:
        """Stop it cleanly, if it runs. Raises `BrokerFailed` when it had to be killed."""
        if not self.running():
            return
        self._progress("正在停止 Kafka", "Stopping Kafka")
        self._signal(signal.SIGTERM)
        if not self._gone_within(STOP_SECONDS):
            self.kill()
            raise BrokerFailed(
                f"Kafka 在 {STOP_SECONDS:.0f} 秒内没有停止，已强制结束。日志：{self.log}",
                f"Kafka did not stop within {STOP_SECONDS:.0f} s and was killed. Log: {self.log}",
            )

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.running():
            self._signal(signal.SIGKILL)
            self._gone_within(STOP_SECONDS)

    def restart(self) -> str:
        """Stop, and start on the same data and port."""
        self.stop()
        return self.start()

    def running(self) -> bool:
        """Does the process live?"""
        path = self.directory / "lock"
        if not path.exists():
            return False
        with path.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    def status(self) -> BrokerStatus:
        """What is known of it."""
        running = self.running()
        state = self._state() if running else None
        pid = None if state is None else state["pid"]
        return BrokerStatus(
            running=running,
            answering=state is not None and answers(state["port"], tls=bool(state["mutual"])),
            bootstrap=None if state is None else f"127.0.0.1:{state['port']}",
            pid=pid,
            memory_mb=None if pid is None else _resident_mb(pid),
            directory=str(self.directory),
        )

    def _launch(self, lock: int) -> None:
        parts = find_parts(self._progress)
        before = self._state()
        port = self._wanted_port or (before["port"] if before else 0) or free_port()
        if answers(port):
            raise BrokerFailed(
                f"端口 {port} 上已有另一个 Kafka。请换一个端口：jiexu kafka up --port 0",
                f"Another Kafka answers on port {port}. Choose another port: jiexu kafka up --port 0",
            )
        mutual = None if self._security is None else ((before or {}).get("mutual") or free_port())
        properties = self._write_properties(Ports(port, free_port(), mutual, self._told))
        if not (self.directory / "data" / "meta.properties").exists():
            self._format(parts.command("kafka.tools.StorageTool"), properties)
        self._progress(f"正在启动 Kafka，端口 {port}", f"Starting Kafka on port {port}")
        options = [
            f"-Xmx{HEAP_MB}m",
            "-XX:+UseSerialGC",  # on two cores less memory and no slower than G1
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={self.directory / 'log4j2.yaml'}",
        ]
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                parts.command(*options, "kafka.Kafka", str(properties)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                start_new_session=True,  # else Ctrl-C in the terminal that started it would end it
                pass_fds=(lock,),
            )
        state = {"pid": self._process.pid, "port": port, "mutual": mutual or 0}
        (self.directory / "broker.json").write_text(json.dumps(state), encoding="utf-8")

    def _write_properties(self, ports: Ports) -> Path:
        path = self.directory / "server.properties"
        path.write_text(server_properties(self.directory / "data", ports, self._security), encoding="utf-8")
        (self.directory / "log4j2.yaml").write_text(LOGGING, encoding="utf-8")
        return path

    def _format(self, tool: list[str], properties: Path) -> None:
        self._progress("正在初始化 Kafka 的数据目录", "Formatting Kafka's data directory")
        # A format that was cut short leaves a directory that the tool refuses; without meta.properties
        # no broker has ever run on it.
        shutil.rmtree(self.directory / "data", ignore_errors=True)
        users = [] if self._security is None else self._security.scram_arguments()
        done = subprocess.run(
            [*tool, "format", "--cluster-id", CLUSTER_ID, "--config", str(properties), *users],
            capture_output=True,
            text=True,
            check=False,
            timeout=START_SECONDS,
        )
        if done.returncode:
            tail = (done.stderr or done.stdout).strip()[-500:]
            raise BrokerFailed(f"无法初始化 {self.directory}：{tail}", f"{self.directory} cannot be formatted: {tail}")

    def _wait_until_answering(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        shown = time.monotonic()
        while time.monotonic() < deadline:
            state = self._state()
            if state is not None and answers(state["port"], tls=bool(state["mutual"])):
                return
            if not self.running():
                break
            if time.monotonic() - shown > 5:
                shown = time.monotonic()
                self._progress("仍在等待 Kafka 应答", "Still waiting for Kafka to answer")
            time.sleep(0.05)
        self.kill()
        tail = self._complaints()
        raise BrokerFailed(
            f"Kafka 没有启动成功。日志 {self.log} 中：\n{tail}",
            f"Kafka did not start. From its log {self.log}:\n{tail}",
        )

    def _complaints(self) -> str:
        """The last lines of the log that tell of an error, or its last lines."""
        if not self.log.exists():
            return ""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        marks = (" ERROR ", " FATAL ", "Exception", "Caused by")
        complaints = [line for line in lines if any(mark in line for mark in marks)]
        return "\n".join((complaints or lines)[-6:])

    def _state(self) -> dict[str, int] | None:
        with suppress(OSError, ValueError):
            state = json.loads((self.directory / "broker.json").read_text("utf-8"))
            return {"pid": int(state["pid"]), "port": int(state["port"]), "mutual": int(state.get("mutual", 0))}
        return None

    def _signal(self, number: int) -> None:
        state = self._state()
        if state is not None:
            with suppress(ProcessLookupError):
                os.kill(state["pid"], number)

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        if self._process is not None:
            self._process.wait()  # reap it, if it is our child
            self._process = None
        return True

    @contextmanager
    def _lock(self) -> Iterator[int | None]:
        """The directory's lock as a file number, or None while a broker (or another start) has it."""
        with (self.directory / "lock").open("a") as file:
            for _ in range(20):  # `running` of another process holds it for an instant
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    time.sleep(0.01)
                else:
                    yield file.fileno()
                    return
            yield None


def free_port() -> int:
    """A port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int, tls: bool = False) -> bool:
    """Does a Kafka broker answer there? Asks for its API versions, the one request that every broker knows, and
    answers before a login.
    """
    request = struct.pack(">hhih", 18, 0, 1, -1)
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as plain:
        plain.settimeout(2)
        with _any_tls().wrap_socket(plain) if tls else plain as link:
            link.sendall(struct.pack(">i", len(request)) + request)
            answer = b""
            while len(answer) < 10 and (part := link.recv(4096)):
                answer += part
            return len(answer) >= 10 and answer[4:10] == struct.pack(">ih", 1, 0)
    return False


def _any_tls() -> ssl.SSLContext:
    """TLS without a look at the certificate: nothing is told here but a question that anybody may ask."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _resident_mb(pid: int) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) // 1024
    return None
