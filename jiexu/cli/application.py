"""One application as options describe it; regions by code or by name."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jiexu.cli.errors import Failure
from jiexu.cli.region import find_region, region_named

if TYPE_CHECKING:
    from jiexu.rules.facts import Application
    from jiexu.service.agency import Agency

F = TypeVar("F", bound=Callable[..., Any])
_SCHEME = click.Choice(["employee", "resident"])
# Without these there is no application.
_NEEDED = ("name", "document_number", "outbound", "inbound")


def with_application(function: F) -> F:
    """The options that describe one application."""
    for option in reversed(
        [
            click.option("--name", help="姓名 name."),
            click.option("--document-type", default="01", show_default=True, help="证件类型 type of document."),
            click.option("--document-number", help="证件号码 number of the document."),
            click.option("--from-scheme", type=_SCHEME, default="employee", show_default=True, help="转出险种 left."),
            click.option("--to-scheme", type=_SCHEME, default="employee", show_default=True, help="转入险种 joined."),
            click.option("--outbound", help="转出地，代码或名称 region that is left."),
            click.option("--inbound", help="转入地，代码或名称 region that is joined."),
            click.option("--applied-on", type=click.DateTime(["%Y-%m-%d"]), help="申请日期，缺省今天 default today."),
            click.option(
                "--applicant",
                type=click.Choice(["person", "employer", "agent"]),
                default="person",
                show_default=True,
                help="申请人：本人、单位、代办人 who applies.",
            ),
            click.option("--applicant-name", help="单位或代办人名称 the employer's or agent's name."),
            click.option("--authority", help="代办的授权 the agent's authority."),
            click.option(
                "--kept-side",
                type=click.Choice(["outbound", "inbound"]),
                help="重复参保月份保留哪一方 whose months are kept where both sides have them.",
            ),
        ]
    ):
        function = option(function)
    return function


def described(agency: "Agency", given: dict[str, Any]) -> "Application":
    """The application that the options describe. Raises Failure where one is missing or a region is not clear."""
    from jiexu.case.event import Role
    from jiexu.rules.facts import Application, Identity, Scheme
    from jiexu.rules.identity import normalised

    missing = "、".join("--" + name.replace("_", "-") for name in _NEEDED if not given[name])
    if missing:
        raise Failure("missing_option", f"缺少 {missing}（或给出 CSV 文件）", f"missing {missing}, or name a CSV file")
    applied_on: datetime | None = given["applied_on"]
    return Application(
        identity=Identity(given["name"].strip(), given["document_type"], normalised(given["document_number"])),
        outbound=_code(agency, given["outbound"]),
        inbound=_code(agency, given["inbound"]),
        from_scheme=Scheme(given["from_scheme"]),
        to_scheme=Scheme(given["to_scheme"]),
        applied_on=applied_on.date() if applied_on else agency.today(),
        applicant=given["applicant"],
        applicant_name=given["applicant_name"],
        authority=given["authority"],
        overlap_kept=Role(given["kept_side"]) if given["kept_side"] else None,
    )


def one_or_file(file: Path | None, given: dict[str, Any]) -> None:
    """Refuse a file and the options of one application together: which of them was meant?"""
    both = [name for name in _NEEDED if given[name]]
    if file is not None and both:
        option = "--" + both[0].replace("_", "-")
        raise Failure(
            "file_or_one", f"{option} 与文件只能给一个", f"give {option} for one application, or a file, not both"
        )


def single_region(agency: "Agency") -> Callable[[str], str | None]:
    """A region's name to its code, None where no single region has it; each name is looked up once."""
    known: dict[str, str | None] = {}

    def look_up(name: str) -> str | None:
        if name not in known:
            found = region_named(agency.places, name)
            known[name] = found[0].code if len(found) == 1 else None
        return known[name]

    return look_up


def _code(agency: "Agency", text: str) -> str:
    """Codes are left to the counter, which knows offices and older codes too."""
    return text if len(text) == 6 and text.isdigit() else find_region(text, agency.places).code
