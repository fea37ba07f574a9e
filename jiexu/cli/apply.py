"""`jiexu apply`: the counter, for one application or a file of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jiexu.cli.answers import show_answer
from jiexu.cli.application import described, one_or_file, with_application
from jiexu.cli.application_rows import run_file
from jiexu.cli.options import opened_to_write, with_config, with_json
from jiexu.cli.values import OFFICE, STAFF

if TYPE_CHECKING:
    from jiexu.rules.facts import Application
    from jiexu.service.agency import Agency
    from jiexu.service.counter import Lodged


@click.command(
    help="""受理申请：单件用选项，多件用 CSV 文件（UTF-8、带 BOM 或 GB18030 均可）。

    Take applications in: one by options, many from a CSV file. Bad rows come back in FILE.rejected.csv with the
    reason; the good ones go through. What is refused at the counter is a case of its own, with every reason.

    \b
    例 Examples:
      jiexu apply 申请.csv --config ./xian/region.toml
      jiexu apply --name 张三 --document-number 6101… --outbound 西安 --inbound 温州

    \b
    列 Columns（* 必需 required）:
      *name 姓名  document_type 证件类型  *document_number 证件号码
      *from_scheme 转出险种  *to_scheme 转入险种  *outbound 转出地  *inbound 转入地
      applied_on 申请日期  applicant 申请人类型  applicant_name 申请人
      authority 授权  kept_side 重复参保保留

    \b
    接下来 Next:  jiexu status CASE · jiexu worklist
    """
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@with_application
@click.option("--by", "handled_by", type=STAFF, default="auto", help="经办人工号 staff number of the handler.")
@click.option("--office", type=OFFICE, help="受理机构代码 code of the office.")
@with_config
@with_json
def apply(
    file: Path | None, handled_by: str, office: str | None, config_file: Path, as_json: bool, **given: Any
) -> int:
    """The command; see its help."""
    from jiexu.service.counter import Lodging, lodge

    def take(agency: "Agency", applications: Sequence["Application"]) -> Sequence["Lodged"]:
        return lodge(agency, [Lodging(one, office=office, handled_by=handled_by) for one in applications])

    one_or_file(file, given)
    with opened_to_write(config_file, "counter") as agency:
        if file is not None:
            return run_file(agency, file, take, as_json)
        return show_answer(take(agency, [described(agency, given)])[0], as_json)
