"""`jiexu`: one command. A command's module is imported when it is used, so that light commands start at once."""

import sys
import textwrap
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from jiexu.cli import errors
from jiexu.cli.texts import choose_language

# name: (module:attribute, what it is for)
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("jiexu.demo.cli:demo", "演示：三个统筹区办理并证明。Three regions at work, and the proof."),
    "region": ("jiexu.cli.region:region", "建立、查看统筹区。Set up a region."),
    "keys": ("jiexu.cli.keys:keys", "签名密钥：建立、查看、更换、吊销。Signing keys."),
    "outbound": ("jiexu.cli.service:outbound", "运行转出地服务。Run the transfer-out service."),
    "inbound": ("jiexu.cli.service:inbound", "运行转入地服务。Run the transfer-in service."),
    "check": ("jiexu.cli.check:check", "申请前自查。The applicant's dry run."),
    "apply": ("jiexu.cli.apply:apply", "受理申请（单件或文件）。Lodge applications, one or a file."),
    "status": ("jiexu.cli.status:status", "查一件或一人的进度。Where a case stands."),
    "find": ("jiexu.cli.status:find", "按人查各案。The cases of a person."),
    "timeline": ("jiexu.cli.status:timeline", "一案始末。What happened in a case, drawn."),
    "worklist": ("jiexu.cli.status:worklist", "待办清单。What is due here."),
    "act": ("jiexu.cli.acts:act", "经办与复核的各项办理。The clerk's acts."),
    "events": ("jiexu.cli.events:events", "一案的事件。The events of a case."),
    "platform": ("jiexu.cli.platform:platform", "本地平台就一案办过什么。What the local platform did for a case."),
    "parked": ("jiexu.cli.parked:parked", "搁置的记录。Records that could not be placed."),
    "sent": ("jiexu.cli.sent:sent", "尚无回执的事件。What has no receipt yet."),
    "todo": ("jiexu.cli.todo:todo", "等人处理的事项。What waits for a person."),
    "doctor": ("jiexu.cli.doctor:doctor", "体检：哪里不对、怎么办。What is wrong and what to do."),
    "journal": (
        "jiexu.cli.journal:journal",
        "日志的备份、恢复、取回、升级、迁移。Back up, restore, take back, upgrade, move.",
    ),
    "audit": ("jiexu.cli.audit:audit", "重放、比对、验证、重建。Replay, compare, verify, rebuild."),
    "calendar": ("jiexu.calendar.cli:calendar", "工作日与期限。Working days and deadlines."),
    "directory": ("jiexu.cli.directory:directory", "统筹区目录，参与目录的签署与安装。Directories of regions."),
    "registry": ("jiexu.region.registry.cli:registry", "本地登记库。The local registry."),
    "rules": ("jiexu.rules.cli:rules", "规则与校验。Rulesets and checks."),
    "contract": ("jiexu.contract.cli:contract", "契约与兼容性。The contract and its gate."),
    "topics": ("jiexu.exchange.cli:topics", "主题的建立与检查。Topics."),
    "kafka": ("jiexu.exchange.cli:kafka", "本机真实 Kafka。A real broker on this machine."),
}

# The clerk's acts by name, as jiexu/cli/acts.py has them; here too, so that the list imports nothing.
ACTS = (
    "answer accept reject forward withdraw request-withdrawal upload explain-form propose-correction query-form "
    "close-form-query complete reverse remit remit-amount query-balance close-balance-query explain-balance credit "
    "credit-amount return take-back pay-out pay-out-amount remind request-information provide-information "
    "escalate notify"
)


class LazyGroup(click.Group):
    """Commands by name; the module is imported on use. A clerk's act may be called without `act` before it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of the table, those left out whose module is not installed."""
        return [name for name, (place, _) in COMMANDS.items() if _installed(place.split(":")[0])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name in COMMANDS:
            module, attribute = COMMANDS[cmd_name][0].split(":")
            if not _installed(module):
                return None
            command: click.Command = getattr(import_module(module), attribute)
            return command
        if cmd_name not in ACTS.split():
            return None
        act = self.get_command(ctx, "act")
        return act.get_command(ctx, cmd_name) if isinstance(act, click.Group) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click has it; a name that is none is told with those that are like it."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            known = [*COMMANDS, *ACTS.split()]
            raise click.NoSuchCommand(error.command_name, possibilities=known, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list from the table: `jiexu --help` imports nothing."""
        with formatter.section("命令 Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])
        with formatter.section("经办 Acts: jiexu ACT CASE --by 工号 --reviewed-by 工号"):
            for line in textwrap.wrap(ACTS, formatter.width - 4, break_on_hyphens=False):
                formatter.write(f"  {line}\n")


def _installed(module: str) -> bool:
    """Whether the module is there; `find_spec` would import the packages above it."""
    return Path(__file__).parents[2].joinpath(*module.split(".")).with_suffix(".py").is_file()


@click.command(
    cls=LazyGroup,
    help="""接续：基本医疗保险关系转移接续的消息系统。

    The message system between the agencies when basic medical insurance moves between pooling regions.

    \b
    从这里开始 Start here:
      jiexu demo                          在本机看一遍 see it work
      jiexu region init 西安 --dir ./xian  建立一个统筹区 set up a region
      jiexu apply FILE.csv --config …     受理申请 lodge applications
      jiexu worklist --config …           看待办 what is due

    \b
    退出码 Exit codes: 0 完成 done · 1 否或有问题 no, or problems · 2 输入或配置有误 bad input
                      3 无法连接 unreachable · 70 程序错误 a defect
    """,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--lang",
    type=click.Choice(["zh", "en"]),
    default="zh",
    envvar="JIEXU_LANG",
    is_eager=True,
    callback=lambda _, __, lang: choose_language(lang),
    help="界面语言 language of the texts.",
)
@click.version_option(package_name="jiexu", message="jiexu %(version)s")
def cli(lang: str) -> None:
    """The group; see its help. The language is chosen as soon as it is read: a wrong command's name is told in it."""


def main(arguments: list[str] | None = None) -> Any:
    """Entry point of the installed command."""
    given = sys.argv[1:] if arguments is None else arguments

    def command() -> int | None:
        code: int | None = cli.main(given, prog_name="jiexu", standalone_mode=False)
        return code if isinstance(code, int) else 0

    sys.exit(errors.run(command, as_json="--json" in given))


if __name__ == "__main__":
    main()
