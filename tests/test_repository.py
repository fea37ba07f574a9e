"""The repository says what is true of it: links resolve, commands that are named exist, no foreign paths."""

import re
import subprocess
from pathlib import Path

import click
import pytest

from jiexu.cli.main import COMMANDS, cli

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("schemas/*.md")])
COMMAND = re.compile(r"\bjiexu ([a-z][a-z-]+)(?: ([a-z][a-z-]+))?")


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in names.split("\0") if name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_pages_name_exist(page: Path) -> None:
    context = click.Context(cli)
    for quoted in re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")):
        for name, sub in COMMAND.findall(quoted):
            command = cli.get_command(context, name)
            assert command is not None, f"{page.name}: jiexu {name}"
            if isinstance(command, click.Group) and sub:
                assert command.get_command(context, sub) is not None, f"{page.name}: jiexu {name} {sub}"


def test_every_command_of_the_table_can_be_imported_and_helps() -> None:
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None, name
        assert command.get_help(click.Context(command, info_name=name)), name


def test_the_two_commands_of_the_readme_are_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in (ROOT / "README.md").read_text(encoding="utf-8")
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    foreign = re.compile("/" + "work/|/" + "root/|/" + "home/[a-z]")
    for path in tracked():
        if path.suffix in {".py", ".md", ".toml", ".sh", ".avsc", ".json", ""} and path.is_file():
            found = foreign.search(path.read_text(encoding="utf-8", errors="ignore"))
            assert found is None, f"{path.relative_to(ROOT)}: {found}"
