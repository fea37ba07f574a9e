"""`jiexu demo`: the main job on one machine, with no server."""

import shutil
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from jiexu.demo.report import say

# Below this the stories do not fit in.
LEAST_CASES = 24
SECONDS_A_CASE = 0.25
LEAST_SECONDS = 120.0


@click.command(
    help="""演示：三个统筹区（西安、温州、成都）在本机办理转移接续，并证明无一丢失、无一重复。

    六个独立进程（每区转出、转入各一），各区一本日志。缺省使用内置交换，无需任何服务器。

    Three regions move cases on this machine and prove that nothing was lost or doubled. Six processes, one journal a
    region; the embedded exchange by default, so no server is needed.

    \b
    例 Examples:
      jiexu demo
      jiexu demo --cases 1000 --keep ./demo      保留全部文件 keep every file
      jiexu kafka up && jiexu demo --kafka 127.0.0.1:9092
    """
)
@click.option(
    "--cases", default=200, show_default=True, type=click.IntRange(LEAST_CASES), help="申请件数 applications."
)
@click.option(
    "--seed", default=1, show_default=True, help="随机种子：相同种子，相同人物 the same seed, the same people."
)
@click.option("--kafka", metavar="BOOTSTRAP", help="使用真实 Kafka（主机:端口）a real Kafka, host:port.")
@click.option("--keep", type=click.Path(path_type=Path), help="保留到此目录（须不存在或为空）keep everything here.")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。JSON for machines.")
@click.pass_context
def demo(context: click.Context, cases: int, seed: int, kafka: str | None, keep: Path | None, as_json: bool) -> None:
    """The command; see its help."""
    lang = str(context.find_root().params.get("lang") or "zh")
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise click.BadParameter(say(lang, f"{keep} 不是空目录", f"{keep} is not empty"), param_hint="--keep")
    folder = keep or Path(tempfile.mkdtemp(prefix="jiexu-demo-"))
    try:
        good = _demo(folder, cases, seed, kafka, as_json, lang)
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    context.exit(0 if good else 1)


def _demo(folder: Path, cases: int, seed: int, kafka: str | None, as_json: bool, lang: str) -> bool:
    from jiexu.demo.desk import Office  # here: these take a while to import, and --help needs none of them
    from jiexu.demo.report import print_result, print_timeline
    from jiexu.demo.run import DemoFailed, dump, run
    from jiexu.demo.world import REGIONS, build
    from jiexu.service.wiring import open_agency

    console = Console(stderr=as_json)
    with _progress(console) as progress:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(say(lang, *_words(what)), total=total)
            progress.update(tasks[what], completed=done, total=total)

        show("building", 0, 1)
        world = build(folder, cases, seed, kafka)
        show("building", 1, 1)
        try:
            result = run(world, show, max(LEAST_SECONDS, cases * SECONDS_A_CASE))
        except DemoFailed as problem:
            kept = tempfile.mkdtemp(prefix="jiexu-demo-failed-")
            shutil.copytree(folder, kept, dirs_exist_ok=True)
            click.echo(say(lang, f"演示未完成：{problem}（文件在 {kept}）", f"{problem} (files: {kept})"), err=True)
            sys.exit(1)
    if as_json:
        click.echo(dump(result))
        return result.good
    offices = {code: Office(open_agency(world.configs[code])) for code in REGIONS}
    print_timeline(console, offices, result, lang)
    print_result(console, result, lang)
    return result.good


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


_WORDS = {
    "building": ("准备三个统筹区", "preparing three regions"),
    "lodging": ("三个窗口受理申请文件", "three windows take their application files"),
    "moving": ("六个进程办理", "six processes at work"),
}


def _words(what: str) -> tuple[str, str]:
    if what.startswith("replaying "):
        region = what.removeprefix("replaying ")
        return f"重放 {region} 的日志", f"replaying the journal of {region}"
    return _WORDS[what]
