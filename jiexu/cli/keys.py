"""`jiexu keys`: a region's signing keys, from the first to the one that was stolen."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jiexu.cli.errors import Failure
from jiexu.cli.moments import MOMENT
from jiexu.cli.options import configuration, with_config, with_json
from jiexu.cli.texts import print_json, say

if TYPE_CHECKING:
    from jiexu.region.directory.participants import Participants
    from jiexu.region.directory.request import EntryRequest
    from jiexu.service.config import Config
    from jiexu.service.keyring import OwnKey

# Partners need time to install the directory before the new key signs; what comes earlier waits at theirs.
BEGINS_AFTER_HOURS = 24
OVERLAP_DAYS = 30
SUITES = ("ed25519-sha256", "sm2-sm3")

_suite = click.option(
    "--suite", type=click.Choice(SUITES), help="算法套件，缺省同现用密钥 by default as the last key's."
)
_out = click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="申请文件 the file, request-REGION-N.json.",
)


@click.group(
    help="""本区的签名密钥：建立、查看、更换、吊销。

    This region's signing keys. A change is a request to the keeper of the directory, who is another person: the
    request is signed here, the keeper signs it with the root key (jiexu directory sign), and every region installs the
    new directory (jiexu directory install). Running services take up what is new by themselves.

    \b
    例 Examples:
      jiexu keys list
      jiexu keys rotate                       更换：新旧并用 30 天 a new key, 30 days of overlap
      jiexu keys revoke 0123456789abcdef --compromised-since 2026-03-01T08:00+08:00 --replace
    """
)
def keys() -> None:
    """The group; see its help."""


@keys.command(
    help="""建立一把密钥（文件 0600，目录 0700），尚不生效：加入目录用 jiexu keys rotate --key。

    Make a key in the region's folder. It signs nothing before the directory has it: jiexu keys rotate --key ID. It is
    encrypted where the configuration names a key_passphrase_file.
    """
)
@click.option("--suite", type=click.Choice(SUITES), default=SUITES[0], show_default=True, help="算法套件 the suite.")
@with_config
@with_json
def create(suite: str, config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    from jiexu.service.keyring import new_own_key

    config = configuration(config_file)
    signer = new_own_key(config, suite)
    file = config.path(config.keys) / f"{signer.key_id}.pem"
    if as_json:
        document = {"key_id": signer.key_id, "suite": signer.suite, "public_key": signer.public_key.hex()}
        print_json(document | {"file": str(file)})
        return
    click.echo(say(f"已建立 {signer.key_id}（{suite}）：{file}", f"made {signer.key_id} ({suite}): {file}"))
    click.echo(say("加入目录：", "Let it join the directory:") + f" jiexu keys rotate --key {signer.key_id}")


@keys.command(
    "list",
    help="""列出本区密钥：在目录中的状态、何时到期、剩余天数。* 现在用它签署。

    The region's keys: their state in the directory, when they end, days left. * signs now.
    """,
)
@with_config
@with_json
def list_keys(config_file: Path, as_json: bool) -> None:
    """The command; see its help."""
    from jiexu.service.agency import utc_now
    from jiexu.service.keyring import own_keys

    config = configuration(config_file)
    now = utc_now()
    found = own_keys(config, _participants(config), now)
    if as_json:
        print_json([_document(one, now) for one in found])
        return
    if not found:
        click.echo(say("还没有密钥：jiexu keys create", "There is no key yet: jiexu keys create"))
    for one in found:
        click.echo(_line(one, now))


@keys.command(
    help=f"""更换密钥：建立新密钥，由上一密钥签署，写出给目录管理方的申请。新旧密钥在重叠期内都可用。

    Rotate: a new key, vouched for by the last one, in a request to the keeper of the directory. Both may sign until
    the overlap ends. The new one begins after {BEGINS_AFTER_HOURS} h, so that partners have the directory by then.

    \\b
    例 Examples:
      jiexu keys rotate --config region.toml
      jiexu keys rotate --from 2026-07-01T00:00+08:00 --overlap-days 60 --suite sm2-sm3
    """
)
@click.option("--key", "key_id", metavar="ID", help="用已建立的密钥 a key that was made before.")
@_suite
@click.option("--from", "valid_from", type=MOMENT, help=f"生效时间，缺省 {BEGINS_AFTER_HOURS} 小时后 when it begins.")
@click.option(
    "--overlap-days",
    type=click.IntRange(0, 3660),
    default=OVERLAP_DAYS,
    show_default=True,
    help="其后旧密钥仍可用的天数 how long the old ones may sign on.",
)
@click.option("--until", "valid_to", type=MOMENT, help="新密钥的到期时间，缺省不设 when the new key expires.")
@_out
@with_config
@with_json
def rotate(
    key_id: str | None,
    suite: str | None,
    valid_from: datetime | None,
    overlap_days: int,
    valid_to: datetime | None,
    out: Path | None,
    config_file: Path,
    as_json: bool,
) -> None:
    """The command; see its help."""
    from jiexu.service.agency import utc_now
    from jiexu.service.keyring import request_rotation

    config, now = configuration(config_file), utc_now()
    start = valid_from or now + timedelta(hours=BEGINS_AFTER_HOURS)
    _, request = request_rotation(
        config,
        _participants(config),
        now=now,
        valid_from=start,
        old_until=start + timedelta(days=overlap_days),
        valid_to=valid_to,
        key_id=key_id,
        suite=suite,
    )
    _write(config, request, out, as_json)


@keys.command(
    help="""吊销一把密钥。已泄露的给出 --compromised-since；没有别的可用密钥时加 --replace。

    Give a key up. If it may be in other hands, say since when; where no other key may sign, --replace brings in a
    new one on the root's word alone, so confirm its id with the keeper by letter.

    \b
    例 Examples:
      jiexu keys revoke 0123456789abcdef
      jiexu keys revoke 0123456789abcdef --compromised-since 2026-03-01T08:00+08:00 --replace
    """
)
@click.argument("key_id", metavar="ID")
@click.option("--at", type=MOMENT, help="何时起停用，缺省现在 from when on; now by default.")
@click.option("--compromised-since", type=MOMENT, help="自何时起可能在他人手中 since when it may be in other hands.")
@click.option("--replace", is_flag=True, help="同时加入一把新密钥 bring in a new key at once.")
@_suite
@_out
@with_config
@with_json
def revoke(
    key_id: str,
    at: datetime | None,
    compromised_since: datetime | None,
    replace: bool,
    suite: str | None,
    out: Path | None,
    config_file: Path,
    as_json: bool,
) -> None:
    """The command; see its help."""
    from jiexu.service.agency import utc_now
    from jiexu.service.keyring import request_revocation

    config, now = configuration(config_file), utc_now()
    _, request = request_revocation(
        config,
        _participants(config),
        key_id,
        now=now,
        at=at or now,
        compromised_since=compromised_since,
        replace=replace,
        suite=suite,
    )
    _write(config, request, out, as_json)


def _participants(config: "Config") -> "Participants":
    from jiexu.region.directory.file import load_participants

    return load_participants(config.path(config.directory), config.directory_root)


def _write(config: "Config", request: "EntryRequest", out: Path | None, as_json: bool) -> None:
    from jiexu.region.directory.request import changes, doubts, save_request

    participants = _participants(config)
    entry = request.entry
    file = out or Path(f"request-{entry.region}-{entry.number}.json")
    if file.exists():
        raise Failure("file_exists", f"{file} 已存在；用 --out 写到别处", f"{file} exists: write elsewhere with --out")
    save_request(request, file)
    before = participants.entry(config.region)
    found = list(changes(before, entry))
    open_questions = list(doubts(participants, request))
    if as_json:
        said = {
            name: [{"zh": zh, "en": en} for zh, en in some]
            for name, some in (("changes", found), ("doubts", open_questions))
        }
        print_json(
            {
                "request": str(file),
                "number": entry.number,
                "signed_with": request.by_region and request.by_region.key_id,
                **said,
            }
        )
        return
    for zh, en in found:
        click.echo(f"· {say(zh, en)}")
    for zh, en in open_questions:
        click.echo(f"! {say(zh, en)}")
    click.echo(say(f"申请已写入 {file}。接下来：", f"The request is in {file}. Next:"))
    click.echo(say("  1 交目录管理方核对签署：", "  1 the keeper of the directory checks and signs it:"))
    click.echo(f"      jiexu directory sign {file} --directory directory.json --root-key root.pem")
    click.echo(say("  2 各区安装新目录：", "  2 every region installs the new directory:"))
    click.echo("      jiexu directory install NEW.json --config region.toml")


def _document(one: "OwnKey", now: datetime) -> dict[str, Any]:
    from jiexu.cli.shown import iso

    key = one.published
    return {
        "key_id": one.key_id,
        "state": one.state.value,
        "signs_now": one.signs_now,
        "file": one.has_file,
        "encrypted": one.encrypted,
        "suite": None if key is None else key.suite,
        "valid_from": iso(None if key is None else key.valid_from),
        "valid_to": iso(None if key is None else key.valid_to),
        "revoked_at": iso(None if key is None else key.revoked_at),
        "compromised_since": iso(None if key is None else key.compromised_since),
        "days_left": one.days_left(now),
    }


def _line(one: "OwnKey", now: datetime) -> str:
    from jiexu.cli.shown import beijing
    from jiexu.region.directory.keystate import state_words

    key, days = one.published, one.days_left(now)
    parts = [f"{'*' if one.signs_now else ' '} {one.key_id}", say(*state_words(one.state))]
    if key is not None:
        until = beijing(one.ends) if one.ends else say("未设终止", "no end set")
        parts += [key.suite, f"{beijing(key.valid_from)} → {until}"]
    if days is not None:
        parts.append(say(f"剩 {days} 天", f"{days} days left"))
    if not one.has_file:
        parts.append(say("私钥不在本机", "private key not here"))
    elif one.encrypted:
        parts.append(say("已加密", "encrypted"))
    return "  ".join(parts)
