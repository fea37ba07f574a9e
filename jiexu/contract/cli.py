"""The commands `jiexu contract …`: the gate, publishing, generated files. Mounted by the main command line."""

import json
from pathlib import Path
from typing import IO, Any

import click

from jiexu.contract.errors import ContractError
from jiexu.contract.gate import SENTENCES, Finding, check, refusals
from jiexu.contract.generate import models_source
from jiexu.contract.publish import publish
from jiexu.contract.reference import reference_text
from jiexu.contract.schema_files import read_sources, schema_root

_MODELS = Path(__file__).parent / "models.py"


class Refused(click.ClickException):
    """Bad input: the reason in both languages on stderr, exit code 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the reason."""
        click.echo(f"错误 Error {self.format_message()}", file=file, err=file is None)


_ROOT = click.option(
    "--schemas",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=None,
    help="模式目录，默认为本程序所带 / directory of the schemas, by default the one that comes with the program",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="输出 JSON / print JSON")


@click.group()
def contract() -> None:
    """报文合同：模式的检查、发布与参考。The contract: check and publish schemas, write the reference.

    \b
    示例 Example: jiexu contract check
    """


@contract.command("check")
@_ROOT
@_JSON
def check_command(schemas: Path | None, as_json: bool) -> None:
    """检查全部模式与历史版本。Check every schema against all that was published.

    退出码 Exit code: 0 通过 passed, 1 有问题 findings.

    \b
    示例 Example: jiexu contract check --json
    """
    root = schemas or schema_root()
    own = schemas is None
    findings = check(root, _MODELS if own else None, _reference_file(root) if own else None)
    _report(findings, as_json)
    if findings:
        raise SystemExit(1)


@contract.command("publish")
@click.argument("name")
@click.option(
    "--sample",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="样本值（JSON），其字节随版本保存 / values of a sample (JSON), whose bytes are kept with the version",
)
@_ROOT
@_JSON
def publish_command(name: str, sample: Path, schemas: Path | None, as_json: bool) -> None:
    """发布一个记录的下一版本；发布后不可更改。Publish a record's next version; it never changes after that.

    退出码 Exit code: 0 已发布或已是最新 published or nothing new, 1 检查未通过 refused, 2 输入有误 bad input.

    \b
    示例 Example: jiexu contract publish BalanceRemitted --sample remitted.json
    """
    root = schemas or schema_root()
    refused = refusals(check(root))
    if refused:
        _report(refused, as_json)
        raise SystemExit(1)
    try:
        version = publish(name, root, sample.read_text(encoding="utf-8"))
    except (ContractError, UnicodeDecodeError) as error:
        raise Refused(str(error)) from error
    if as_json:
        click.echo(json.dumps({"name": name, "version": version}))
    elif version is None:
        click.echo(f"{name} 没有变化，未发布新版本。 Nothing new, no version published.")
    else:
        click.echo(f"已发布 Published: {name}.{version}")


@contract.command("generate")
@click.option("--check", "only_check", is_flag=True, help="只比较，不写入 / compare only, write nothing")
def generate_command(only_check: bool) -> None:
    """由模式生成数据模型。Write the models from the schemas.

    退出码 Exit code: 0 一致或已写入 equal or written, 1 不一致 (--check) different.
    """
    _write(_MODELS, models_source(read_sources()), only_check)


@contract.command("reference")
@click.option("--check", "only_check", is_flag=True, help="只比较，不写入 / compare only, write nothing")
def reference_command(only_check: bool) -> None:
    """由模式生成参考文档。Write docs/contract/reference.md from the schemas.

    退出码 Exit code: 0 一致或已写入 equal or written, 1 不一致 (--check) different, 2 不在源码目录 no repository.
    """
    path = _reference_file(schema_root())
    if path is None:
        raise Refused("参考文档只在源码目录中生成 / the reference is written in the repository only")
    _write(path, reference_text(read_sources()), only_check)


def _reference_file(root: Path) -> Path | None:
    """Where the reference is; None in an installed package, which has no docs."""
    folder = root.parent / "docs" / "contract"
    return folder / "reference.md" if folder.is_dir() else None


def _write(path: Path, text: str, only_check: bool) -> None:
    current = path.read_text(encoding="utf-8") if path.exists() else ""
    if current == text:
        click.echo(f"一致 Up to date: {path.name}")
        return
    if only_check:
        click.echo(f"不一致 Out of date: {path.name}", err=True)
        raise SystemExit(1)
    path.write_text(text, encoding="utf-8", newline="\n")
    click.echo(f"已写入 Written: {path.name}")


def _report(findings: list[Finding], as_json: bool) -> None:
    if as_json:
        rows = []
        for one in findings:
            zh, en = SENTENCES[one.code]
            rows.append({"code": one.code, "where": one.where, "zh": zh, "en": en, "detail": one.detail})
        click.echo(json.dumps({"findings": rows}, ensure_ascii=False, indent=2))
    elif findings:
        for one in findings:
            click.echo(str(one), err=True)
    else:
        click.echo("通过：全部模式与历史版本一致。 Passed: every schema agrees with all that was published.")
