"""转出地服务的进程: the outbound service as a process, started by `jiexu outbound`."""

from pathlib import Path

from jiexu.service.process import serve
from services.outbound.steps import OutboundPart


def main(config_file: Path) -> None:
    """Run it until it is told to stop."""
    serve(config_file, OutboundPart())
