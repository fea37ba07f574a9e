"""转入地服务的进程: the inbound service as a process, started by `jiexu inbound`."""

from pathlib import Path

from jiexu.service.process import serve
from services.inbound.steps import InboundPart


def main(config_file: Path) -> None:
    """Run it until it is told to stop."""
    serve(config_file, InboundPart())
