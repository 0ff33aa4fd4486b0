"""What the README tells a new user to do works, and what it names exists."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fastdeid import errors
from tests.builders import element, number, part10, text
from tests.house.imports import REPOSITORY

README = (REPOSITORY / "README.md").read_text()
PAGES = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((REPOSITORY / "docs").glob("*.md"))
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]


def fastdeid(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "fastdeid", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_first_two_commands_are_all_that_is_needed() -> None:
    assert COMMANDS[:2] == ["make demo", "make test"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_target_of_make_exists(page: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`", page.read_text()))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / link).exists(), link


def test_the_commands_work_as_written(tmp_path: Path) -> None:
    source = tmp_path / "SOURCE" / "Doe, Jane"
    source.mkdir(parents=True)
    (source / "IM0001").write_bytes(
        part10(
            text(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2")
            + text(0x00080018, "UI", "1.2.3.4")
            + text(0x00080060, "CS", "CT")
            + text(0x00100010, "PN", "Doe^Jane")
            + text(0x00100020, "LO", "MRN1")
            + text(0x0020000D, "UI", "1.2.3.5")
            + text(0x0020000E, "UI", "1.2.3.6")
            + number(0x00280010, "US", 1)
            + number(0x00280011, "US", 1)
            + number(0x00280100, "US", 16)
            + element(0x7FE00010, "OW", b"\1\2")
        )
    )
    for line in COMMANDS:
        if line.startswith("fastdeid "):
            done = fastdeid(*shlex.split(line)[1:], cwd=tmp_path)
            assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("TARGET/*/*/*/*.dcm"))) == 1
    assert (tmp_path / "TARGET" / "manifest.parquet").is_file()
    assert (tmp_path / "TARGET.link-table").is_dir()


def test_every_option_is_in_the_help() -> None:
    commands = ("run", "verify", "report", "link", "reidentify", "pixels")
    text_of_help = "".join(fastdeid(one, "--help").stdout for one in commands)
    for option in re.findall(r"`[^`\n]*(--[a-z-]+)[^`\n]*`", README):
        assert option in text_of_help, option


def test_every_command_is_there() -> None:
    for command in re.findall(r"`fastdeid ([a-z ]+?)(?: [A-Z-][^`]*)?`", README):
        assert fastdeid(*command.split(), "--help").returncode == 0, command


def test_the_exit_codes_are_those_of_the_errors() -> None:
    named = {
        int(code)
        for code in re.findall(
            r"(?<![\d.])(\d+) [a-z]", README.partition("Exit codes:")[2].partition("##")[0]
        )
    }
    raised = {
        one.exit_code
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, errors.FastdeidError)
    }
    assert raised <= named
