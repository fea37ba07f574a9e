"""`jiexu region`: set up a region, and see what is set up."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jiexu.cli.errors import Failure
from jiexu.cli.options import configuration, with_config, with_json
from jiexu.cli.texts import print_json, say

if TYPE_CHECKING:
    from jiexu.region.directory.places import PoolingRegion


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
    """
)
@click.argument("code")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), required=True, help="统筹区的目录 the region's folder."
)
@click.option(
    "--directory", type=click.Path(path_type=Path), help="参与地区目录文件，缺省为上级目录的 directory.json。"
)
@click.option("--root-key", type=click.Path(path_type=Path), help="目录根密钥；缺省在目录文件旁新建 root/root.pem。")
@click.option("--exchange", type=click.Path(path_type=Path), help="内置交换的文件；缺省为 exchange.db。")
@click.option("--kafka", metavar="BOOTSTRAP", help="Kafka（主机:端口）instead of the embedded exchange.")
@click.option("--bank", type=click.Path(path_type=Path), help="示例银行账册文件 the sample bank's file.")
@click.option("--partitions", default=6, show_default=True, help="信箱分区数，定后不变 mailbox partitions, frozen.")
@click.option("--replication", default=1, show_default=True, help="主题副本数 replication of the topics.")
@click.option("--no-topics", is_flag=True, help="不建主题 make no topics.")
@with_json
def init(
    code: str,
    folder: Path,
    directory: Path | None,
    root_key: Path | None,
    exchange: Path | None,
    kafka: str | None,
    bank: Path | None,
    partitions: int,
    replication: int,
    no_topics: bool,
    as_json: bool,
) -> None:
    """The command; see its help."""
    from jiexu.exchange.topics import create, region_topics
    from jiexu.service.config import load_config
    from jiexu.service.setup import create_root, init_region, load_root
    from jiexu.service.wiring import open_configured_exchange

    if exchange is not None and kafka is not None:
        raise Failure("exchange", "--exchange 与 --kafka 只能给一个", "give --exchange or --kafka, not both")
    place = find_region(code)
    directory = directory or folder.parent / "directory.json"
    root = load_root(root_key) if root_key else create_root(directory.parent / "root")
    where = {"kafka": kafka} if kafka else {"embedded": str(exchange or folder.parent / "exchange.db")}
    file = init_region(
        folder,
        place,
        directory=directory,
        root=root,
        exchange=where,
        bank=bank or folder.parent / "bank.db",
        partitions=partitions,
    )
    if not no_topics:
        opened = open_configured_exchange(load_config(file))
        create(opened.admin(), region_topics(place.code, partitions, replication))
        opened.close()
    if as_json:
        print_json({"region": place.code, "name": place.name, "config": str(file), "directory": str(directory)})
        return
    click.echo(say(f"已建立 {place.name}（{place.code}）：{file}", f"{place.name} ({place.code}) is set up: {file}"))
    click.echo(say("接下来：", "Next:"))
    click.echo(f"  jiexu registry import --registry {folder / 'registry.db'} DIR")
    click.echo(f"  jiexu outbound --config {file}")
    click.echo(f"  jiexu inbound --config {file}")
    click.echo(f"  jiexu doctor --config {file}")


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


def find_region(text: str) -> "PoolingRegion":
    """The pooling region that a code or name means. Raises Failure or DirectoryError where it is none, or several."""
    from jiexu.region.directory.load import load_directory
    from jiexu.region.directory.search import find

    places = load_directory()
    if len(text) == 6 and text.isdigit():
        return places.resolve(text).pooling_region
    matches = find(places, text, 2)
    if not matches:
        raise Failure("region_unknown", f"找不到统筹区“{text}”", f"no pooling region is called {text!r}")
    return matches[0].pooling_region
