"""`jiexu directory`: beside finding pooling regions, what the keeper of the participants' directory does, and what each
region does with what comes of it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jiexu.cli.errors import NO, Failure
from jiexu.cli.options import configuration, with_config, with_json
from jiexu.cli.texts import print_json, say
from jiexu.region.directory.cli import directory

if TYPE_CHECKING:
    from jiexu.region.directory.participants import Participants
    from jiexu.region.directory.request import Sentence

__all__ = ["directory"]


@directory.command(
    help="""目录管理方：核对各区的申请，用根密钥签署，写出新的目录。

    The keeper of the directory: look at what a region's requests change, then sign them with the root key. What no
    signature vouches for is marked with ! and must be confirmed with the region by another way.

    \b
    例 Examples:
      jiexu directory sign request-610100-2.json --directory directory.json --root-key root.pem --dry-run
      jiexu directory sign request-*.json --directory directory.json --root-key root.pem
    退出码 1：未签署。Exit code 1: nothing was signed.
    """
)
@click.argument("requests", metavar="REQUEST…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--directory", "file", type=click.Path(path_type=Path), required=True, help="参与目录文件 the directory's file."
)
@click.option("--root-key", type=click.Path(path_type=Path), required=True, help="目录根密钥 the root key.")
@click.option(
    "--root-passphrase-file", type=click.Path(path_type=Path), help="其口令文件 the file with its passphrase."
)
@click.option("--out", type=click.Path(path_type=Path), help="新目录写到此文件，缺省改写原文件 where the new one goes.")
@click.option("--yes", is_flag=True, help="不再询问 do not ask.")
@click.option("--dry-run", is_flag=True, help="只看，不签署 look, sign nothing.")
@with_json
def sign(
    requests: tuple[Path, ...],
    file: Path,
    root_key: Path,
    root_passphrase_file: Path | None,
    out: Path | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """The command; see its help."""
    from jiexu.contract.secret_files import read_secret
    from jiexu.region.directory.file import load_participants, save_participants
    from jiexu.region.directory.participants import Participants
    from jiexu.region.directory.request import changes, doubts, load_request, sign_request
    from jiexu.region.directory.signing import public_text
    from jiexu.service.setup import load_root

    root = load_root(root_key, read_secret(root_passphrase_file) if root_passphrase_file else None)
    text = public_text(root)
    participants = load_participants(file, text) if file.exists() else Participants.empty(text)
    told = []
    for path in requests:
        request = load_request(path)
        region = request.entry.region
        before = participants.entry(region) if region in participants.regions else None
        said = {"region": region, "number": request.entry.number}
        found, open_questions = list(changes(before, request.entry)), list(doubts(participants, request))
        participants = sign_request(participants, request, root)  # proves the request, on paper
        told.append(said | {"changes": _both(found), "doubts": _both(open_questions)})
        _show(f"{path}: {region} #{request.entry.number}", found, open_questions, as_json)
    signed = not dry_run and (yes or click.confirm(say("用根密钥签署？", "Sign with the root key?"), err=True))
    if signed:
        save_participants(participants, out or file)
    if as_json:
        written = str(out or file) if signed else None
        print_json({"signed": signed, "directory": written, "version": participants.version, "requests": told})
    elif signed:
        click.echo(say(f"已签署：{out or file}，请发给各区安装", f"signed: {out or file}; hand it to every region"))
    return 0 if signed or dry_run else NO


@directory.command(
    help="""目录管理方：建立根密钥（已有则不变），显示其公钥，即各区配置中的 directory_root。

    The keeper of the directory: make the root key in a folder of its own (left as it is where it stands) and print its
    public half, which every region writes into its configuration as directory_root. Keep it off the network.

    \b
    例 Example:  jiexu directory root ./root --passphrase-file ./passphrase
    """
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--passphrase-file", type=click.Path(path_type=Path), help="口令文件 the file with its passphrase.")
@with_json
def root(folder: Path, passphrase_file: Path | None, as_json: bool) -> None:
    """The command; see its help."""
    from jiexu.contract.secret_files import read_secret
    from jiexu.region.directory.signing import public_text
    from jiexu.service.setup import ROOT_KEY_FILE, create_root

    key = create_root(folder, read_secret(passphrase_file) if passphrase_file else None)
    file = folder / ROOT_KEY_FILE
    if as_json:
        print_json({"root_key": str(file), "directory_root": public_text(key)})
    else:
        click.echo(f'directory_root = "{public_text(key)}"')


@directory.command(
    help="""各区：核对并安装目录管理方发来的新目录；运行中的服务在半分钟内采用。

    A region: check the new directory and put it in the place of the one in use, whole or not at all. Its signatures
    must fit the root that the configuration names, and no entry may be older. Running services use it in half a minute.

    \b
    例 Example:  jiexu directory install new.json --config ./xian/region.toml
    """
)
@click.argument("new", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="只看，不安装 look, install nothing.")
@with_config
@with_json
def install(new: Path, dry_run: bool, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    from jiexu.region.directory.file import load_participants, save_participants
    from jiexu.region.directory.load import load_directory
    from jiexu.region.directory.participants import Participants

    config = configuration(config_file)
    place, root = config.path(config.directory), config.directory_root
    found = load_participants(new, root, load_directory())
    in_use = load_participants(place, root) if place.exists() else Participants.empty(root)
    older = in_use.older_entries(found)
    if older:
        some = "、".join(older)
        raise Failure(
            "older_directory",
            f"{new} 比现用的目录旧（{some}）：已吊销的密钥可能因此复活。请向目录管理方索取最新的目录",
            f"{new} is older than the directory in use ({some}): revoked keys might come back. Ask the keeper for the "
            "latest",
        )
    told = [
        {"region": region, "own": region == config.region, "changes": _both(list(lines))}
        for region, lines in _changed(in_use, found)
    ]
    for region, lines in _changed(in_use, found):
        _show(region + (say("（本区）", " (this region)") if region == config.region else ""), lines, [], as_json)
    if not dry_run:
        save_participants(found, place)
    if as_json:
        print_json({"installed": not dry_run, "directory": str(place), "version": found.version, "regions": told})
    elif dry_run:
        click.echo(say("未安装（--dry-run）", "not installed (--dry-run)"))
    else:
        click.echo(say(f"已安装到 {place}", f"installed at {place}"))


def _changed(before: "Participants", after: "Participants") -> "list[tuple[str, list[Sentence]]]":
    from jiexu.region.directory.request import changes

    found = []
    for region in after.regions:
        old = before.entry(region) if region in before.regions else None
        lines = list(changes(old, after.entry(region)))
        if lines:
            found.append((region, lines))
    return found


def _show(title: str, changes: "list[Sentence]", doubts: "list[Sentence]", as_json: bool) -> None:
    if as_json:
        return
    click.echo(title)
    for zh, en in changes:
        click.echo(f"  · {say(zh, en)}")
    for zh, en in doubts:
        click.echo(f"  ! {say(zh, en)}")


def _both(lines: "list[Sentence]") -> list[dict[str, Any]]:
    return [{"zh": zh, "en": en} for zh, en in lines]
