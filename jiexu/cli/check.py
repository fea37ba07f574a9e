"""`jiexu check`: the applicant's dry run. The counter's own checks; nothing is written."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jiexu.cli.answers import show_answer
from jiexu.cli.application import described, one_or_file, with_application
from jiexu.cli.application_rows import run_file
from jiexu.cli.options import opened, with_config, with_json

if TYPE_CHECKING:
    from jiexu.rules.facts import Application
    from jiexu.service.agency import Agency
    from jiexu.service.counter import Lodged


@click.command(
    help="""申请前自查：一次说明全部不符合的条件、由谁解决、怎么办；不留任何记录。

    The applicant's dry run: every condition that is not met, who can cure it and how. Nothing is written.
    Exit code 1 where the application would be refused or turned back.

    \b
    例 Examples:
      jiexu check --name 张三 --document-number 6101… --outbound 西安 --inbound 温州
      jiexu check --file 申请.csv --config ./xian/region.toml      列同 apply columns as for apply

    \b
    接下来 Next:  jiexu apply
    """
)
@click.option("--file", type=click.Path(path_type=Path), help="CSV 文件 a file of applications.")
@with_application
@with_config
@with_json
def check(file: Path | None, config_file: Path, as_json: bool, **given: Any) -> int:
    """The command; see its help."""
    from jiexu.service.counter import dry_run

    def take(agency: "Agency", applications: Sequence["Application"]) -> Sequence["Lodged"]:
        return [dry_run(agency, one) for one in applications]

    one_or_file(file, given)
    with opened(config_file, "counter") as agency:
        if file is not None:
            return run_file(agency, file, take, as_json, dry=True)
        return show_answer(dry_run(agency, described(agency, given)), as_json, dry=True)
