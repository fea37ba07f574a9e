"""`jiexu outbound`, `jiexu inbound`: one role of one region, until it is told to stop."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jiexu.cli.options import configuration, opened, with_config

if TYPE_CHECKING:
    from jiexu.service.steps import RolePart

_HELP = """{zh}

    {en}

    \b
    例 Example:  jiexu {name} --config ./xian/region.toml

    日志为 JSON 行，写到标准错误。SIGTERM 办完手中一批即退出。
    Logs are JSON lines on standard error. SIGTERM finishes the batch in hand.
    """


@click.command(
    help=_HELP.format(zh="运行转出地经办服务。", en="Run the transfer-out agency's service.", name="outbound")
)
@with_config
def outbound(config_file: Path) -> None:
    """The command; see its help."""
    from services.outbound import OutboundPart

    _run(config_file, OutboundPart())


@click.command(help=_HELP.format(zh="运行转入地经办服务。", en="Run the transfer-in agency's service.", name="inbound"))
@with_config
def inbound(config_file: Path) -> None:
    """The command; see its help."""
    from services.inbound import InboundPart

    _run(config_file, InboundPart())


def _run(config_file: Path, part: "RolePart") -> None:
    import structlog

    from jiexu.service.logs import configure_logs
    from jiexu.service.loop import Service

    configure_logs()
    owner = f"{configuration(config_file).region}.{part.role.value}"
    with opened(config_file, owner) as agency:
        try:
            Service(agency, part).run()
        except Exception:
            structlog.get_logger().critical("died", region=agency.region, role=part.role.value, exc_info=True)
            raise
