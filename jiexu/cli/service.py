"""`jiexu outbound`, `jiexu inbound`: one role of one region, until it is told to stop."""

from pathlib import Path

import click

from jiexu.cli.options import with_config

_HELP = """{zh}

    {en}

    \b
    例 Example:  jiexu {name} --config ./xian/region.toml

    日志为 JSON 行，写到标准错误。SIGTERM 办完手中一批即退出。
    Logs are JSON lines on standard error. SIGTERM finishes the batch in hand.

    \b
    接下来 Next:  jiexu doctor · jiexu worklist
    """


@click.command(
    help=_HELP.format(zh="运行转出地经办服务。", en="Run the transfer-out agency's service.", name="outbound")
)
@with_config
def outbound(config_file: Path) -> None:
    """The command; see its help."""
    from services.outbound.main import main

    main(config_file)


@click.command(help=_HELP.format(zh="运行转入地经办服务。", en="Run the transfer-in agency's service.", name="inbound"))
@with_config
def inbound(config_file: Path) -> None:
    """The command; see its help."""
    from services.inbound.main import main

    main(config_file)
