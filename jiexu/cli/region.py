"""`jiexu region`: set up a region, and see what is set up."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jiexu.cli.errors import NO, UNREACHABLE, Failure
from jiexu.cli.options import configuration, with_config, with_json
from jiexu.cli.texts import print_json, say

if TYPE_CHECKING:
    from jiexu.region.directory.places import PoolingRegion
    from jiexu.region.directory.regions import Directory

# How many regions of an unclear name are listed.
SHOWN = 5


@click.group(help="建立、查看统筹区。Set up a pooling region, and see what is set up.")
def region() -> None:
    """The group; see its help."""


@region.command(
    help="""建立一个统筹区：密钥、配置、空日志、目录条目与主题。CODE 可为代码或名称。

    Make a region: keys, configuration, an empty journal, its entry in the directory, its topics.

    \b
    例 Examples:
      jiexu region init 西安 --dir ./xian --directory ./directory.json --exchange ./exchange.db
      jiexu region init 330300 --dir ./wenzhou --directory ./directory.json --kafka 127.0.0.1:9092
      jiexu region init 成都 --dir ./chengdu --directory-root uKdi0gkCn7Z4uzGCF1k0yfQkGMpXjB2RgDZRUZdqGuM=
    """
)
@click.argument("code")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), required=True, help="统筹区的目录 the region's folder."
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    help="参与地区目录文件，缺省为上级目录的 directory.json。The directory file.",
)
@click.option(
    "--root-key", type=click.Path(path_type=Path), help="目录根密钥，缺省在目录旁新建 root/root.pem。The root key."
)
@click.option(
    "--directory-root",
    metavar="BASE64",
    help="目录由他人保管时其根公钥；写出加入申请 the root's public key where another keeps it: makes a request.",
)
@click.option(
    "--exchange", type=click.Path(path_type=Path), help="内置交换的文件，缺省为上级目录的 exchange.db。The exchange."
)
@click.option("--kafka", metavar="BOOTSTRAP", help="Kafka（主机:端口）instead of the embedded exchange.")
@click.option(
    "--journal", metavar="ADDRESS", help="PostgreSQL 日志 postgresql://用户@主机:端口/数据库 instead of a file."
)
@click.option(
    "--journal-password-file", type=click.Path(path_type=Path), help="该库的口令文件 the file with its password."
)
@click.option("--bank", type=click.Path(path_type=Path), help="示例银行账册文件 the sample bank's file.")
@click.option(
    "--partitions",
    default=6,
    type=click.IntRange(1, 1000),
    show_default=True,
    help="信箱分区数，定后不变 mailbox partitions, frozen.",
)
@click.option(
    "--replication",
    default=1,
    type=click.IntRange(1, 9),
    show_default=True,
    help="主题副本数 replication of the topics.",
)
@click.option("--no-topics", is_flag=True, help="不建主题 make no topics.")
@with_json
def init(
    code: str,
    folder: Path,
    directory: Path | None,
    root_key: Path | None,
    directory_root: str | None,
    exchange: Path | None,
    kafka: str | None,
    journal: str | None,
    journal_password_file: Path | None,
    bank: Path | None,
    partitions: int,
    replication: int,
    no_topics: bool,
    as_json: bool,
) -> None:
    """The command; see its help."""
    from jiexu.service.setup import JOURNAL_FILE, create_root, init_region, load_root

    if exchange is not None and kafka is not None:
        raise Failure("exchange", "--exchange 与 --kafka 只能给一个", "give --exchange or --kafka, not both")
    if kafka is not None:
        _refuse_unusable(kafka)
    _refuse_unusable_journal(journal, journal_password_file)
    place = find_region(code)
    directory = directory or folder.parent / "directory.json"
    if directory_root is not None:
        _refuse_root(directory_root, root_key)
    request = folder / f"request-{place.code}-1.json" if directory_root else None
    root = directory_root or (load_root(root_key) if root_key else create_root(directory.parent / "root"))
    where = {"kafka": kafka} if kafka else {"embedded": str(exchange or folder.parent / "exchange.db")}
    file = init_region(
        folder,
        place,
        directory=directory,
        root=root,
        exchange=where,
        bank=bank or folder.parent / "bank.db",
        partitions=partitions,
        journal=journal or JOURNAL_FILE,
        journal_password_file=journal_password_file,
        request=request,
    )
    if not no_topics:
        _make_topics(file, place.code, partitions, replication, where)
    if as_json:
        document = {"region": place.code, "name": place.name, "config": str(file), "directory": str(directory)}
        print_json(document | {"request": None if request is None else str(request)})
        return
    click.echo(say(f"已建立 {place.name}（{place.code}）：{file}", f"{place.name} ({place.code}) is set up: {file}"))
    click.echo(say("接下来：", "Next:"))
    if no_topics:
        click.echo(f"  {_topics_command(place.code, partitions, replication, where)}")
    if request is not None:
        click.echo(say(f"  把 {request} 交目录管理方签署；取回目录后：", f"  the keeper signs {request}; then:"))
        click.echo(f"  jiexu directory install NEW.json --config {file}")
    click.echo(f"  jiexu registry import --registry {folder / 'registry.db'} DIR")
    click.echo(f"  jiexu outbound --config {file}")
    click.echo(f"  jiexu inbound --config {file}")
    click.echo(f"  jiexu doctor --config {file}")


def _refuse_root(text: str, root_key: Path | None) -> None:
    from base64 import b64decode

    try:
        fits = len(b64decode(text, validate=True)) == 32
    except ValueError:
        fits = False
    if not fits or root_key is not None:
        raise Failure(
            "directory_root",
            "--directory-root 应为目录管理方给出的根公钥（44 个字符），且不与 --root-key 同时给出",
            "--directory-root is the public key that the keeper gave (44 characters), and goes without --root-key",
        )


def _refuse_unusable(kafka: str) -> None:
    """Before anything is made: a configuration with a wrong address could not be read again."""
    from pydantic import ValidationError

    from jiexu.exchange.settings import KafkaSettings

    try:
        KafkaSettings(bootstrap=kafka)
    except ValidationError:
        raise Failure(
            "kafka_address",
            f"--kafka 应写作 主机:端口，多个用逗号分隔：{kafka}",
            f"--kafka takes host:port, several joined by commas: {kafka}",
        ) from None


def _refuse_unusable_journal(journal: str | None, password_file: Path | None) -> None:
    from jiexu.journal.place import has_password, is_database

    if journal is not None and has_password(journal):
        raise Failure(
            "journal_address",
            "口令不得写在 --journal 里，请写入文件，用 --journal-password-file",
            "the password does not belong into --journal: put it into a file, --journal-password-file",
        )
    if journal is not None and not is_database(journal):
        raise Failure(
            "journal_address",
            f"--journal 应写作 postgresql://用户@主机:端口/数据库：{journal}",
            f"--journal takes postgresql://user@host:port/database: {journal}",
        )
    if password_file is not None and not (journal and password_file.is_file()):
        raise Failure(
            "journal_password_file",
            f"--journal-password-file 须与 --journal 同时给出，且文件存在：{password_file}",
            f"--journal-password-file goes with --journal, and must be there: {password_file}",
        )


def _make_topics(file: Path, code: str, partitions: int, replication: int, where: dict[str, str]) -> None:
    from jiexu.exchange.port import ExchangeError
    from jiexu.exchange.topics import Outcome, create, region_topics
    from jiexu.service.config import load_config
    from jiexu.service.wiring import open_configured_exchange

    command = _topics_command(code, partitions, replication, where)
    try:
        with closing(open_configured_exchange(load_config(file))) as exchange:
            made = create(exchange.admin(), region_topics(code, partitions, replication))
    except ExchangeError as error:  # the region stands already, and setting it up again would be refused
        raise Failure(
            "topics_missing",
            f"统筹区已建立（{file}），但主题没有建成：{error.zh} 可达后运行：{command}",
            f"the region is set up ({file}), but its topics are not: {error.en} Once reachable: {command}",
            UNREACHABLE,
        ) from None
    unsafe = [one for one in made if one.outcome is Outcome.REFUSED]
    if unsafe:
        names = "、".join(one.topic for one in unsafe)
        check = command.replace("create", "check", 1)
        raise Failure(
            "topics_unsafe",
            f"统筹区已建立（{file}），但已有的主题设置不当：{names}。详情：{check}",
            f"the region is set up ({file}), but topics that existed are set up unsafely: {names}. See: {check}",
            NO,
        )


def _topics_command(code: str, partitions: int, replication: int, where: dict[str, str]) -> str:
    place = f"--kafka {where['kafka']}" if "kafka" in where else f"--exchange {where['embedded']}"
    return f"jiexu topics create {place} --region {code} --partitions {partitions} --replication {replication}"


@region.command(help="本区与目录中的各参与地区。This region, and who takes part in its directory.")
@with_config
@with_json
def show(config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    from jiexu.region.directory.file import load_participants
    from jiexu.region.directory.load import load_directory

    config = configuration(config_file)
    participants = load_participants(config.path(config.directory), config.directory_root)
    places = load_directory()
    rows = [
        {
            "region": code,
            "name": places.pooling_region(code).name,
            "partitions": participants.partitions(code),
            "keys": [key.key_id for key in participants.entry(code).keys],
            "own": code == config.region,
        }
        for code in participants.regions
    ]
    if as_json:
        print_json({"region": config.region, "directory": participants.version, "participants": rows})
        return
    for row in rows:
        mark = "*" if row["own"] else " "
        click.echo(f"{mark} {row['region']} {row['name']}  partitions={row['partitions']}  keys={row['keys']}")


def find_region(text: str, places: "Directory | None" = None) -> "PoolingRegion":
    """The pooling region that a code or name means. Raises Failure or DirectoryError where it is none, or several."""
    from jiexu.region.directory.load import load_directory

    places = places or load_directory()
    if len(text) == 6 and text.isdigit():
        return places.resolve(text).pooling_region
    found = region_named(places, text)
    if len(found) == 1:
        return found[0]
    if not found:
        raise Failure(
            "region_unknown",
            f"找不到统筹区“{text}”。可用 jiexu directory find 查询，或写六位代码",
            f"no pooling region is called {text!r}. Try jiexu directory find, or write the six-digit code",
        )
    some = "、".join(f"{one.name}（{one.code}）" for one in found[:SHOWN])
    raise Failure(
        "region_ambiguous",
        f"“{text}”可能是 {some}。请写六位代码",
        f"{text!r} may be {some}. Write the six-digit code",
    )


def region_named(places: "Directory", text: str) -> list["PoolingRegion"]:
    """The regions that a name may mean. One that bears the name itself goes before those that only contain it."""
    from jiexu.region.directory.search import Fit, find

    matches = find(places, text)
    exact = [match.pooling_region for match in matches if match.fit <= Fit.REGION_NAME]
    return exact or [match.pooling_region for match in matches]
