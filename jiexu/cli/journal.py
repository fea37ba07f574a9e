"""`jiexu journal`: back up a journal, restore one, take back what only partners have, bring its layout up, move it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress

from jiexu.cli.options import configuration, with_config, with_json
from jiexu.cli.take_back import take_back
from jiexu.cli.texts import print_json, say

if TYPE_CHECKING:
    from jiexu.journal.copying import Contents


@click.group(help="日志：备份、恢复、取回、升级版式、迁移。Back up, restore, take back, upgrade, move.")
def journal() -> None:
    """The group."""


with_replace = click.option(
    "--replace", is_flag=True, help="替换原有日志，原日志改名保留 put what stands there aside; it is kept."
)


@journal.command(
    help="""备份使用中的日志，写成一个 SQLite 文件（日志在 PostgreSQL 中亦然）：某一时刻的完整内容，写后核对，
    只限本人读取。服务不必停。备份含个人信息，须加密存放在另一台机器上；它本身就是一本日志，
    可直接用 jiexu audit replay 审计。

    A consistent backup of a live journal, in one SQLite file whatever database it is in, held against its source after
    writing. Services need not stop. It holds personal values: keep it encrypted, on another machine. A backup is a
    journal: set `journal` to it, and jiexu audit replay works on it.

    \b
    例 Example:  jiexu journal backup ./backup-$(date +%F).db --config ./xian/region.toml
    """
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_config
@with_json
def backup(file: Path, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    from jiexu.journal.backup import backup as write
    from jiexu.service.wiring import journal_password_file

    config = configuration(config_file)
    with _bar("备份", "backing up") as progress:
        held = write(config.journal_place(), config.region, file, journal_password_file(config), progress)
    size = file.stat().st_size
    if as_json:
        print_json({"file": str(file), "bytes": size, **_document(held)})
        return
    click.echo(say(f"已备份到 {file}，{size} 字节", f"backed up to {file}, {size} bytes"))
    _show(held)


@journal.command(
    help="""把备份恢复为日志，恢复到配置所指之处（文件或 PostgreSQL）。先停止本区所有服务。原有日志须加 --replace，
    改名保留。此后写入的日志带新的代次。下次启动服务时：先读账本，补齐备份之后的全部日志，再函询各未结案件的对方，然后才办理；
    已用过的序号不会再用。备份之后搁置、暂存的记录会再次到达；账本也丢失时，由对方补证。

    Make a backup the journal that the configuration names. Stop the region's services first. Lines from now on bear a
    new incarnation. At the next start the ledger is asked first: every line since the backup is taken in, then the
    partners of open cases are asked, and only then is anything done, so that no seq is used twice.

    \b
    例 Example:  jiexu journal restore ./backup-2026-11-24.db --config ./xian/region.toml --replace
    """
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_replace
@with_config
@with_json
def restore(file: Path, replace: bool, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    from jiexu.journal.restoring import restore as put
    from jiexu.service.wiring import journal_password_file

    config = configuration(config_file)
    place, password = config.journal_place(), journal_password_file(config)
    with _bar("恢复", "restoring") as progress:
        placed = put(file, place, config.region, password, replace, progress)
    if as_json:
        print_json({"journal": str(place), "set_aside": placed.set_aside, **_document(placed.held)})
        return
    click.echo(say(f"已恢复到 {place}", f"restored to {place}"))
    _show(placed.held)
    _show_aside(placed.set_aside)
    click.echo(
        say(
            "请启动服务：先从账本补齐备份之后的日志，再函询对方，然后办理。",
            "Start the services: what came after the backup is taken in from the ledger, then partners are asked.",
        )
    )


@journal.command(
    help="""把旧版式的日志升级到本程序的版式：一个事务，或全部完成，或毫无变化。先停止本区所有服务，先备份。

    Bring an older journal's layout up to this program's, in one transaction. Stop the region's services first, and make
    a backup (of a journal in PostgreSQL with the program that it was written by).

    \b
    例 Example:  jiexu journal migrate --dry-run --config ./xian/region.toml
    """
)
@click.option("--dry-run", is_flag=True, help="只说要做什么 only say what would be done.")
@with_config
@with_json
def migrate(dry_run: bool, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    from jiexu.journal.ddl import VERSION
    from jiexu.journal.upgrade import upgrade
    from jiexu.service.wiring import journal_password_file

    config = configuration(config_file)
    done = upgrade(config.journal_place(), config.region, journal_password_file(config), dry_run)
    if as_json:
        steps = [{"version": step.version, "zh": step.zh, "en": step.en} for step in done.steps]
        print_json({"from": done.version, "to": VERSION, "dry_run": dry_run, "steps": steps})
        return
    for step in done.steps:
        click.echo(f"{step.version}  {say(step.zh, step.en)}")
    if not done.steps:
        click.echo(say(f"版式 {VERSION}，已是最新。", f"Layout {VERSION}: nothing to do."))
    elif dry_run:
        click.echo(say(f"以上各步可升级到版式 {VERSION}。", f"These steps lead to layout {VERSION}."))
    else:
        click.echo(say(f"已升级到版式 {VERSION}。", f"The layout is {VERSION} now."))


@journal.command(
    help="""把日志迁移到另一数据库：从 SQLite 文件到 PostgreSQL，或相反。先停止本区所有服务。逐表核对后，
    原处作上标记，不能再打开。完成后按提示修改配置，再启动服务。

    Move a journal from a SQLite file into PostgreSQL, or back. Stop the region's services first. Every table is held
    against its source; then the source is marked and opens no more. Change the configuration as it says, and start.

    \b
    例 Examples:
      jiexu journal move --to postgresql://region@db/journal --password-file ./password --config ./xian/region.toml
      jiexu journal move --to ./xian/journal.db --replace --config ./xian/region.toml
    """
)
@click.option("--to", "target", required=True, metavar="ADDRESS|FILE", help="新的所在 where it is to be.")
@click.option("--password-file", type=click.Path(path_type=Path, dir_okay=False), help="新库的口令文件 its password.")
@with_replace
@with_config
@with_json
def move(target: str, password_file: Path | None, replace: bool, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    from jiexu.cli.errors import Failure
    from jiexu.journal.place import has_password, is_database
    from jiexu.journal.restoring import move as put
    from jiexu.service.wiring import journal_password_file

    config = configuration(config_file)
    source = config.journal_place()
    if has_password(target):
        zh, en = (
            "口令不得写在 --to 里，请用 --password-file",
            "a password does not belong into --to: use --password-file",
        )
        raise Failure("bad_address", zh, en)
    place: Path | str = target if is_database(target) else Path(target).absolute()
    if is_database(source) is is_database(place):
        zh = "两处都是文件，或都是数据库：文件请停止服务后直接移动，数据库请用 backup 与 restore"
        en = "both are files, or both databases: move a file by hand once the services stand; else backup and restore"
        raise Failure("same_kind", zh, en)
    with _bar("迁移", "moving") as progress:
        placed = put(source, place, config.region, journal_password_file(config), password_file, replace, progress)
    if as_json:
        print_json({"from": str(source), "to": str(place), "set_aside": placed.set_aside, **_document(placed.held)})
        return
    click.echo(say(f"已迁移到 {place}；{source} 不能再打开。", f"moved to {place}; {source} opens no more."))
    _show(placed.held)
    _show_aside(placed.set_aside)
    click.echo(say("请在配置中写：", "Put this into the configuration:"))
    click.echo(f'  journal = "{place}"')
    if password_file is not None:
        click.echo(f'  journal_password_file = "{password_file.absolute()}"')


journal.add_command(take_back)


def _document(held: "Contents") -> dict[str, Any]:
    return {
        "region": held.region,
        "version": held.version,
        "incarnation": held.incarnation,
        "last_position": held.last_position,
        "last_recorded_at": held.last_recorded_at.isoformat() if held.last_recorded_at else None,
        "log_sha256": held.log_hash,
        "rows": {table: count for table, (count, _) in held.tables.items()},
    }


def _show(held: "Contents") -> None:
    from jiexu.cli.shown import beijing

    last = beijing(held.last_recorded_at) if held.last_recorded_at else "-"
    zh = f"{held.region}：日志 {held.last_position} 条，最后一条记于 {last}，共 {held.rows} 行，已核对"
    en = f"{held.region}: {held.last_position} lines, the last of {last}, {held.rows} rows in all, verified"
    click.echo(say(zh, en))
    click.echo(f"SHA-256 {held.log_hash}")


def _show_aside(name: str | None) -> None:
    if name is not None:
        click.echo(say(f"原有日志保留为 {name}", f"what stood there is kept as {name}"))


@contextmanager
def _bar(zh: str, en: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error while the block lasts."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(say(zh, en), total=None)
        yield lambda done, total: progress.update(task, completed=done, total=max(total, 1))
