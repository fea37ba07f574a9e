"""`jiexu topics acls`: who may do what at Kafka, printed, made and checked from the one table in acls.py."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from jiexu.exchange import acls as rules
from jiexu.exchange.cli_place import (
    FOUND_PROBLEMS,
    json_option,
    opened_admin,
    place_of,
    print_json,
    progress,
    say,
    where_options,
)
from jiexu.exchange.port import Admin

_OWN_NAME = "=User:"


@click.command()
@where_options
@click.option(
    "--principal",
    "named",
    multiple=True,
    metavar="REGION=User:NAME",
    help="某地区的登录名（缺省 User:jiexu.<地区>）。 / A region's principal, where it is another than the default.",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="User:NAME",
    help="检查时不看这些登录名的授权（如监控）。 / Principals left out of the check, a monitor's say.",
)
@click.option("--apply", "apply_", is_flag=True, help="在 Kafka 上补齐缺少的授权，不删除。 / Make what is missing.")
@click.option("--check", is_flag=True, help="与 Kafka 上的授权比对。 / Compare with what stands at Kafka.")
@click.option("--commands", is_flag=True, help="输出 kafka-acls.sh 命令。 / Print kafka-acls.sh commands.")
@json_option
def acls(
    path: str | None,
    bootstrap: str | None,
    config_file: Path | None,
    regions: tuple[str, ...],
    named: tuple[str, ...],
    ignore: tuple[str, ...],
    apply_: bool,
    check: bool,
    commands: bool,
    as_json: bool,
) -> None:
    """Kafka 的授权（ACL）：各区只写他区信箱、只读自己的信箱。 / Who may do what at Kafka.

    不带 --apply、--check 时只输出，不连接。以管理员身份登录（须为 super user）。
    Without --apply and --check it only prints, and connects to nothing. Log in as an administrator (super user).

    \b
    示例 / Examples:
      jiexu topics acls --region 610100 --region 330300
      jiexu topics acls --config admin.toml --apply
      jiexu topics acls --config admin.toml --check
      jiexu topics acls --config admin.toml --commands > acls.sh
    退出码 1：有缺少或多余的授权。 / Exit code 1: something is missing or too much.
    """
    if sum((apply_, check, commands)) > 1:
        raise click.UsageError(
            say("--apply、--check、--commands 只能给一个", "give one of --apply, --check and --commands")
        )
    place = place_of(path, bootstrap, config_file, regions, needed=apply_ or check)
    try:
        wanted = rules.bindings(place.regions, _principals(named))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--region") from error
    if not (apply_ or check):
        _print(wanted, commands, as_json)
        return
    if place.settings is None or place.settings.kafka is None:
        raise click.UsageError(
            say(
                "内置交换没有授权，只能用文件权限保护；--apply、--check 需要 Kafka",
                "the embedded exchange has no ACLs, its file's mode protects it; --apply and --check need Kafka",
            )
        )
    with opened_admin(place.settings) as admin:
        difference = _at_broker(admin, wanted, ignore, apply_)
    _print_difference(difference, len(wanted), apply_, as_json)


def _at_broker(
    admin: Admin, wanted: tuple[rules.Binding, ...], ignore: tuple[str, ...], make: bool
) -> rules.Difference:
    """The difference; with `make`, what was missing has been made, and stands in the difference as such."""
    from jiexu.exchange.kafka.acls import make_acls, read_acls  # here: the library takes a while to import
    from jiexu.exchange.kafka.admin import KafkaAdmin

    assert isinstance(admin, KafkaAdmin), "the settings name Kafka"
    progress(f"正在核对 {len(wanted)} 条授权", f"Checking {len(wanted)} ACLs")
    difference = rules.compare(wanted, read_acls(admin), ignore)
    if make and difference.missing:
        progress(f"正在建立 {len(difference.missing)} 条", f"Making {len(difference.missing)}")
        make_acls(admin, difference.missing)
    return difference


def _principals(named: tuple[str, ...]) -> dict[str, str]:
    for one in named:
        if _OWN_NAME not in one:
            raise click.BadParameter(
                say(f"应写作 地区=User:名称：{one}", f"write REGION=User:NAME: {one}"), param_hint="--principal"
            )
    return {region: f"User:{name}" for region, _, name in (one.partition(_OWN_NAME) for one in named)}


def _print(wanted: tuple[rules.Binding, ...], commands: bool, as_json: bool) -> None:
    if as_json:
        print_json([asdict(one) for one in wanted])
    elif commands:
        for line in rules.kafka_acls_lines(wanted):
            click.echo(line)
    else:
        click.echo(rules.table())
        click.echo()
        for one in wanted:
            click.echo(str(one))


def _print_difference(difference: rules.Difference, wanted: int, applied: bool, as_json: bool) -> None:
    missing, extra = difference.missing, difference.extra
    if as_json:
        words = "made" if applied else "missing"
        document: dict[str, Any] = {words: [asdict(one) for one in missing], "extra": [asdict(one) for one in extra]}
        print_json(document)
    else:
        mark, word = ("+", say("已建立", "made")) if applied else ("✗", say("缺少", "missing"))
        for one in missing:
            click.echo(f"{mark} {word} {one}")
        for one in extra:
            click.echo(f"✗ {say('多余', 'too much')} {one}")
        for line in rules.kafka_acls_lines(extra, remove=True):
            click.echo(f"    → {line}")
        if not missing and not extra:
            click.echo(say(f"{wanted} 条授权全部符合", f"all {wanted} ACLs are as they should be"))
        elif missing and not applied:
            click.echo(say("补齐：加上 --apply 再运行", "To make what is missing: run it with --apply"))
    if extra or (missing and not applied):
        raise SystemExit(FOUND_PROBLEMS)
