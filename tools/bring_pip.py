"""Bring pip into the running environment without pip: fetch its wheel, check its hash, let it install itself.

The index is the one that pip would use: PIP_INDEX_URL, else `index-url` of pip's configuration files, else PyPI.
Only the standard library is used. Exit code 1 where that fails.
"""

import base64
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
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit
from urllib.request import Request, urlopen

DEFAULT_INDEX = "https://pypi.org/simple/"
# As pip reads them, the later one winning.
CONFIGURATIONS = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")


class Index:
    """The package index: its address, who we are there, which certificates are trusted."""

    def __init__(self) -> None:
        address, certificates = DEFAULT_INDEX, None
        for name in (*CONFIGURATIONS, os.environ.get("PIP_CONFIG_FILE", "")):
            parser = configparser.ConfigParser(interpolation=None)
            if name and parser.read(Path(name).expanduser(), encoding="utf-8") and parser.has_section("global"):
                address = parser.get("global", "index-url", fallback=address)
                certificates = parser.get("global", "cert", fallback=certificates)
        parts = urlsplit(os.environ.get("PIP_INDEX_URL", address))
        user, _, self.host = parts.netloc.rpartition("@")
        # urllib would take a password in the address for a part of the host.
        self.address = urlunsplit((parts.scheme, self.host, parts.path.rstrip("/") + "/", "", ""))
        self.user = base64.b64encode(unquote(user).encode()).decode() if user else None
        self.trust = ssl.create_default_context(cafile=os.environ.get("PIP_CERT", certificates))

    def get(self, url: str) -> bytes:
        """What stands at that address; the password goes to the index's own host alone."""
        request = Request(url)
        if self.user and urlsplit(url).netloc == self.host:
            request.add_header("Authorization", f"Basic {self.user}")
        with urlopen(request, context=self.trust, timeout=120) as answer:
            body: bytes = answer.read()
        return body


def newest(page: str) -> str:
    """The link of the newest plain release of pip on an index page, withdrawn ones left out."""
    found = []
    for attributes in re.findall(r"<a\s([^>]*)>", page):
        link = re.search(r'href="([^"]+)"', attributes)
        wheel = link and re.search(r"/pip-(\d+(?:\.\d+)*)-py3-none-any\.whl", "/" + unescape(link[1]))
        if link and wheel and "data-yanked" not in attributes:
            found.append((tuple(int(part) for part in wheel[1].split(".")), unescape(link[1])))
    return max(found)[1]


def main() -> int:
    """Install pip; 0 when it is there."""
    index = Index()
    page_url = urljoin(index.address, "pip/")
    url, fragment = urldefrag(urljoin(page_url, newest(index.get(page_url).decode())))
    wheel = index.get(url)
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
