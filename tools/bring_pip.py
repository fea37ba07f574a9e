"""Bring pip into the running environment without pip: fetch its wheel, check its hash, let it install itself.

The index is the one that pip would use: PIP_INDEX_URL, else `index-url` of pip's configuration files, else PyPI.
Only the standard library is used. Exit code 1 where that fails.
"""

import configparser
import hashlib
import os
import re
import runpy
import ssl
import sys
import tempfile
from html import unescape
from pathlib import Path
from urllib.parse import urldefrag, urljoin
from urllib.request import urlopen

DEFAULT_INDEX = "https://pypi.org/simple/"
CONFIGURATIONS = ("/etc/pip.conf", "~/.config/pip/pip.conf", "~/.pip/pip.conf")


def settings() -> tuple[str, str | None]:
    """The index, and the file of trusted certificates where one is configured."""
    index, certificates = DEFAULT_INDEX, None
    for name in (*CONFIGURATIONS, os.environ.get("PIP_CONFIG_FILE", "")):
        parser = configparser.ConfigParser(interpolation=None)
        if name and parser.read(Path(name).expanduser(), encoding="utf-8") and parser.has_section("global"):
            index = parser.get("global", "index-url", fallback=index)
            certificates = parser.get("global", "cert", fallback=certificates)
    return os.environ.get("PIP_INDEX_URL", index), os.environ.get("PIP_CERT", certificates)


def newest(page: str) -> str:
    """The link of the newest plain release of pip on an index page."""
    found = []
    for link in re.findall(r'href="([^"]+)"', page):
        wheel = re.search(r"/pip-(\d+(?:\.\d+)*)-py3-none-any\.whl", unescape(link))
        if wheel:
            found.append((tuple(int(part) for part in wheel[1].split(".")), unescape(link)))
    return max(found)[1]


def main() -> int:
    """Install pip; 0 when it is there."""
    index, certificates = settings()
    context = ssl.create_default_context(cafile=certificates)
    page_url = urljoin(index.rstrip("/") + "/", "pip/")
    with urlopen(page_url, context=context, timeout=60) as answer:
        page = answer.read().decode()
    url, fragment = urldefrag(urljoin(page_url, newest(page)))
    with urlopen(url, context=context, timeout=120) as answer:
        wheel = answer.read()
    algorithm, _, stated = fragment.partition("=")
    if algorithm != "sha256" or hashlib.sha256(wheel).hexdigest() != stated:
        print("pip: the wheel is not what the index says", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / url.rsplit("/", 1)[1]
        file.write_bytes(wheel)
        sys.path.insert(0, str(file))
        sys.argv = ["pip", "install", "-q", "--no-index", str(file)]
        try:
            runpy.run_module("pip", run_name="__main__")
        except SystemExit as end:
            return int(end.code or 0)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, KeyError) as error:
        print(f"pip could not be fetched: {error}", file=sys.stderr)
        sys.exit(1)
