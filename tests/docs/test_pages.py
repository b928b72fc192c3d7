"""What people read: links that lead somewhere, commands that exist, nothing about the workshop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ebbtide.streams.cli import root
from ebbtide.streams.reference.commands import available
from ebbtide.streams.reference.settings import names
from support.docs import ROOT, pages

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`[^`\n]*`")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?:^|[`|&]|\s)ebbtide ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)((?: [^\n`|]*)?)", re.MULTILINE)
_OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*)")
_VARIABLE = re.compile(r"EBBTIDE_[A-Z0-9_]+")
_GIVEN = re.compile(r"^\s+(EBBTIDE_[A-Z0-9_]+)\s*[:=]", re.MULTILINE)
_FORBIDDEN = re.compile(
    r"/work/|/root/|/tmp/|/home/|pypi\.org|pythonhosted|index-url|proxy\.|\bTODO\b|\bFIXME\b|sandbox|\bprompt\b"
    r"|language model|\bLLM\b|\bassistant\b",
    re.IGNORECASE,
)

every_page = pytest.mark.parametrize(
    ("path", "text"), pages(), ids=[str(path.relative_to(ROOT)) for path, _ in pages()]
)


@every_page
def test_every_link_leads_somewhere(path: Path, text: str) -> None:
    broken = [target for target in _links(text) if not _resolves(path, target)]
    assert broken == []


@every_page
def test_nothing_about_the_workshop(path: Path, text: str) -> None:
    assert _FORBIDDEN.findall(text) == []


@every_page
def test_every_command_and_option_exists(path: Path, text: str) -> None:
    wrong = [fault for words, rest in _COMMAND.findall(text) if (fault := _fault(words.split(), rest))]
    assert wrong == []


@every_page
def test_every_setting_exists(path: Path, text: str) -> None:
    known = {*names(), *(f"{name}_FILE" for name in names()), "EBBTIDE_CONFIG"}
    assert {name for name in _VARIABLE.findall(text) if name not in known and not name.endswith("__")} <= {"EBBTIDE_"}


@pytest.mark.parametrize("name", ["deploy/Dockerfile", "docker-compose.yml"])
def test_what_containers_are_given_are_settings(name: str) -> None:
    """A container with a variable that is no setting does not start."""
    given = set(_GIVEN.findall((ROOT / name).read_text(encoding="utf-8")))
    assert given <= {*names(), *(f"{setting}_FILE" for setting in names()), "EBBTIDE_CONFIG"}


def _links(text: str) -> Iterator[str]:
    for target in _LINK.findall(_CODE.sub("", _FENCE.sub("", text))):
        if not re.match(r"[a-z]+:", target):
            yield target


def _resolves(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    file = page if not name else (page.parent / name).resolve()
    if not file.exists():
        return False
    return not anchor or anchor in {_anchor(heading) for heading in _HEADING.findall(file.read_text(encoding="utf-8"))}


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _fault(words: list[str], rest: str) -> str | None:
    """What is wrong with a command line in a page, if anything. A command that is only planned is not looked into."""
    context = click.Context(root, info_name="ebbtide")
    if words[0] not in root.list_commands(context):
        return f"ebbtide {words[0]}"
    if not available(words[0]):
        return None
    command = root.get_command(context, words[0])
    if isinstance(command, click.Group):
        if len(words) == 1:
            return None
        command = command.commands.get(words[1])
    if command is None:
        return f"ebbtide {' '.join(words)}"
    options = {option for param in command.params for option in (*param.opts, *param.secondary_opts)} | {"--help"}
    unknown = [option for option in _OPTION.findall(rest) if option not in options]
    return f"ebbtide {' '.join(words)} {' '.join(unknown)}" if unknown else None
