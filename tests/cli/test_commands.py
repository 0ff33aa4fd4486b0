"""The command line: what it calls, what it says, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fastdeid import cli
from fastdeid.engines import local
from fastdeid.engines.stop import Stopped
from fastdeid.errors import InputError, OutputError, ProfileError, UsageError
from fastdeid.summary import Summary, summarise
from tests.conversion.archive import write_key


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    """Run the command in this process; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["fastdeid", *map(str, arguments)])
    before = os.umask(0o022)
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        os.umask(before)
    return int(ended.value.code or 0)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replace the library call of `run`; return the calls made."""
    made: list[dict[str, Any]] = []

    def run(source: Path, target: Path, **options: Any) -> Summary:
        made.append({"source": source, "target": target, **options})
        return summarise({"ok": 3, "quarantined:truncated": 1}, {}, bytes_read=9, bytes_written=8)

    monkeypatch.setattr(local, "run", run)
    return made


def test_run_calls_the_library_once(
    monkeypatch: pytest.MonkeyPatch, calls: list[dict[str, Any]]
) -> None:
    assert run_main(monkeypatch, "run", "a", "b", "--key", "k") == 3
    (call,) = calls
    assert call.pop("reporter")
    assert call == {
        "source": Path("a"),
        "target": Path("b"),
        "key": Path("k"),
        "profile": "basic",
        "link_table": None,
        "workers": None,
        "dry_run": False,
        "template": "{patient}/{study}/{series}/{instance}.dcm",
        "digests": False,
        "link_table_key": "project",
        "crosswalk": None,
        "shared_subjects": False,
        "pixels": "examine",
        "sync": True,
        "shard_bytes": 0,
    }


def test_run_passes_every_option_on(
    monkeypatch: pytest.MonkeyPatch, calls: list[dict[str, Any]]
) -> None:
    options = ["--profile", "mine.toml", "--link-table", "l", "--workers", "0", "--no-sync"]
    options += ["--pixels", "off"]
    assert run_main(monkeypatch, "run", "a", "b", "--key", "k", "--dry-run", *options) == 3
    (call,) = calls
    assert (call["profile"], call["link_table"], call["workers"]) == ("mine.toml", Path("l"), 0)
    assert (call["dry_run"], call["sync"], call["pixels"]) == (True, False, "off")


def test_json_is_all_of_the_output(
    monkeypatch: pytest.MonkeyPatch,
    calls: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_main(monkeypatch, "run", "a", "b", "--key", "k", "--json") == 3
    summary = json.loads(capsys.readouterr().out)
    assert summary["verdicts"] == {"ok": 3, "quarantined": 1}
    assert summary["reasons"] == {"quarantined:truncated": 1}
    assert summary["exit_code"] == 3
    assert len(calls) == 1


def test_without_a_key_run_says_how_to_make_one(
    monkeypatch: pytest.MonkeyPatch,
    calls: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_main(monkeypatch, "run", "a", "b") == 8
    assert "fastdeid keygen PROJECT.key" in capsys.readouterr().err
    assert calls == []


@pytest.mark.parametrize(
    "arguments",
    [["run"], ["run", "a"], ["run", "a", "b", "--workers", "-1"], ["bogus"], ["keygen"], []],
)
def test_wrong_usage_is_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], calls: list[dict[str, Any]]
) -> None:
    assert run_main(monkeypatch, *arguments) == 2
    assert calls == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (InputError("x"), 5),
        (OutputError("x"), 6),
        (ProfileError("x"), 7),
        (Stopped("x"), 75),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("Doe^Jane"), 1),
    ],
)
def test_errors_end_in_one_line_and_their_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
) -> None:
    def run(*_: Any, **__: Any) -> Summary:
        raise error

    monkeypatch.setattr(local, "run", run)
    assert run_main(monkeypatch, "run", "a", "b", "--key", "k") == code
    said = capsys.readouterr().err
    assert said.startswith("fastdeid: ")
    assert said.count("\n") == 1
    assert "Doe" not in said


def test_keygen_makes_a_key_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "keygen", tmp_path / "P.key") == 0
    before = (tmp_path / "P.key").read_bytes()
    assert run_main(monkeypatch, "keygen", tmp_path / "P.key") == 8
    assert (tmp_path / "P.key").read_bytes() == before
    assert "never overwritten" in capsys.readouterr().err


def test_manifest_schema_prints_every_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "manifest", "schema") == 0
    text = capsys.readouterr().out
    for words in ("instances.parquet", "identities.parquet", "manifest.parquet", "PHI", "public"):
        assert words in text


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from fastdeid import __version__

    assert run_main(monkeypatch, "version") == 0
    assert capsys.readouterr().out == f"fastdeid {__version__}\n"


def test_python_m_is_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fastdeid", "run", "nowhere", "out", "--key", "P.key"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 8
    assert done.stderr == (
        "fastdeid: there is no such key file; make one with: fastdeid keygen PROJECT.key\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_is_not_there_makes_no_folders(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = write_key(tmp_path / "key")
    assert run_main(monkeypatch, "run", tmp_path / "no", tmp_path / "out", "--key", key) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key"]


def test_ctrl_c_ends_any_command_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fastdeid import risk

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(risk, "assess", interrupted)
    assert run_main(monkeypatch, "manifest", "risk", "TARGET") == 130
    assert capsys.readouterr().err == "fastdeid: interrupted; the same command goes on\n"


def test_an_install_that_is_broken_ends_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "numba.py").write_text("raise ImportError('no such library')\n")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "Doe^Jane").write_text("")
    key = write_key(tmp_path / "key")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "fastdeid", "run", str(tmp_path / "source")),
            *(str(tmp_path / "out"), "--key", str(key), "--workers", "1"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("fastdeid: ImportError at ")
    assert "Traceback" not in done.stderr
