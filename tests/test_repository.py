"""The repository says what is true of it: links resolve, commands that are named exist, no foreign paths."""

import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from jiexu.cli.main import ACTS, COMMANDS, cli

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("schemas/*.md")])
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
# What is run in a container of docker-compose.yml is a command of jiexu like any other.
IN_A_CONTAINER = re.compile(r"^\s*docker compose (?:exec [a-z-]+ jiexu|run --rm cli) ")
# Some commands give themselves a second short name for help; all answer to this one.
HELP = "--help"


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def quoted_commands(page: Path, program: str) -> Iterator[list[str]]:
    """Command lines of that program, in blocks and between backticks; after its name, cut at shell signs."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    for line in lines:
        for part in re.split(r"&&|[;|&]", line.split(" #")[0]):
            part = IN_A_CONTAINER.sub("jiexu ", part)
            if re.match(rf"\s*(?:\S*/)?{program} ", part):  # much else stands between backticks, patterns for instance
                yield shlex.split(part)[1:]


def anchor(heading: str) -> str:
    """A heading's name as the target of a link: lower case, no punctuation, spaces as hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for target, place in re.findall(r"\]\(([^)#:\s]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        found = page.parent / target if target else page
        assert found.exists(), f"{page.name}: {target}"
        if place:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert place in {anchor(heading) for heading in headings}, f"{page.name}: {target}#{place}"


@every_page
def test_commands_that_pages_quote_exist_with_their_options(page: Path) -> None:
    for words in quoted_commands(page, "jiexu"):
        command: click.Command = cli
        for word in words:
            if word.startswith("--"):
                known = {HELP, *(name for option in command.params for name in (*option.opts, *option.secondary_opts))}
                known |= {name for option in cli.params for name in option.opts}
                assert word.split("=")[0] in known, f"{page.name}: jiexu {' '.join(words)}"
            elif isinstance(command, click.Group):
                found = command.get_command(click.Context(command), word)
                assert found is not None, f"{page.name}: jiexu {' '.join(words)}"
                command = found


@pytest.mark.parametrize("name", [*COMMANDS, *ACTS.split()])
def test_every_command_of_the_table_can_be_imported_and_helps(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.get_help(click.Context(command, info_name=name))


@every_page
def test_make_targets_that_pages_quote_exist(page: Path) -> None:
    for words in quoted_commands(page, "make"):
        assert re.search(rf"^{words[0]}:.*## ", MAKEFILE, re.MULTILINE), f"{page.name}: make {words[0]}"


def test_the_two_commands_come_first_in_the_readme() -> None:
    commands = [words[0] for words in quoted_commands(ROOT / "README.md", "make")]
    assert commands[:2] == ["demo", "test"]


def test_sections_of_the_rule_book_that_the_code_cites_exist() -> None:
    book = (ROOT / "docs/domain.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"^#+ (\d+[a-z]?)\. ", book, re.MULTILINE))
    for path in tracked():
        if path.suffix in {".py", ".md", ".avsc", ".toml", ".csv"}:
            for cited in re.findall(r"domain\.md,? §(\d+[a-z]?)", path.read_text(encoding="utf-8")):
                assert cited in sections, f"{path.relative_to(ROOT)}: domain.md §{cited}"


def test_every_decision_says_context_decision_consequences_and_when_to_look_again() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    for page in sorted((ROOT / "docs/decisions").glob("*.md")):
        if page.name != "README.md":
            text = page.read_text(encoding="utf-8")
            missing = [
                word for word in ("Context", "Decision", "Consequences", "Look again") if f"**{word}" not in text
            ]
            assert not missing, f"{page.name}: {missing}"
            assert f"({page.name})" in index, f"{page.name} is not in the index"


def test_every_room_stands_in_the_import_rule_and_in_the_architecture() -> None:
    rule = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = {room for layer in rule["contracts"][0]["layers"] for room in re.split(r"\s*[|:]\s*", layer)}
    rooms = {
        f"{init.parent.parent.name}.{init.parent.name}"
        for top in ("jiexu", "services")
        for init in ROOT.glob(f"{top}/*/__init__.py")
    }
    assert rooms == layers
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert [room for room in sorted(rooms) if f"`{room.replace('.', '/')}`" not in page] == []


def test_files_that_the_architecture_names_exist() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    tops = [ROOT, ROOT / "jiexu", ROOT / "jiexu/service"]
    for name in re.findall(r"`([a-z_*/]+\.py)`", page):
        assert any(list(top.glob(name)) for top in tops), name


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    foreign = re.compile(r"(?<![\w.])/(?:" + "work/|root/|home/[a-z])")
    for path in tracked():
        if path.suffix in {".py", ".md", ".toml", ".sh", ".avsc", ".json", ""}:
            found = foreign.search(path.read_text(encoding="utf-8", errors="ignore"))
            assert found is None, f"{path.relative_to(ROOT)}: {found}"
