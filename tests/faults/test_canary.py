"""Unique words in every VR, name and path: after faults, nobody without the key has one."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from fastdeid.engines.local import run
from fastdeid.errors import FastdeidError, OutputError
from fastdeid.object_tree import ObjectTree
from fastdeid.shards import ShardTree
from fastdeid.storage import TargetTree
from tests import builders as b
from tests.cli.test_commands import run_main
from tests.conversion.archive import write_key
from tests.faults.sources import shows
from tests.runs import ct_image
from tests.storage.s3_server import running

pytestmark = pytest.mark.jit
WORD = "CNRYWORD"
PERSON = "CNRYNAME^JANE"
TEXTS = (
    *((0x00080050, "SH"), (0x00080080, "LO"), (0x00080081, "ST"), (0x00081030, "LO")),
    *((0x00100010, "PN"), (0x00100020, "LO"), (0x00104000, "LT"), (0x0020000D, "UI")),
    *((0x0020000E, "UI"), (0x00204000, "LT"), (0x00321060, "LO"), (0x00400254, "LO")),
    *((0x00081060, "PN"), (0x00080090, "PN"), (0x00081010, "SH"), (0x00101040, "LO")),
)
ANY_VR = (
    *("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "OB", "OW", "PN", "SH", "ST"),
    *("TM", "UC", "UI", "UN", "UR", "UT"),
)


def a_file(number: int) -> bytes:
    """Return an image with the word in every VR, once by name and once private."""
    elements = [b.text(tag, vr, f"{WORD}{number}") for tag, vr in TEXTS]
    elements += [b.text(0x00100010, "PN", PERSON), b.text(0x00100030, "DA", "19431107")]
    elements += [b.text(0x00090010, "LO", f"{WORD} CREATOR")]
    for at, vr in enumerate(ANY_VR):
        word = f"{WORD}{number} {vr}".encode()
        elements.append(b.element(0x00091000 + at, vr, word + b" " * (len(word) % 2)))
    elements.append(b.text(0x00080018, "UI", f"1.2.826.0.1.3680043.10.11.{number}"))
    return b.part10(ct_image(*elements), preamble=WORD.encode().ljust(128), trailing=b"\0\0")


def write_source(folder: Path) -> Path:
    """Write good, damaged and strange files whose names hold the word."""
    place = folder / "source" / f"{WORD} {PERSON}"
    place.mkdir(parents=True)
    for number in range(6):
        data = a_file(number)
        (place / f"{WORD} {number}.dcm").write_bytes(data)
        (place / f"{WORD} {number}.cut").write_bytes(data[: len(data) * number // 6])
        broken = data.replace(b"LO", b"ZZ", 1 + number)
        (place / f"{WORD} {number}.broken").write_bytes(broken)
    (place / f"letter to {WORD}.txt").write_text(f"Dear {PERSON}, {WORD}")
    (place / f"{WORD} link").symlink_to(place / f"{WORD}")
    os.mkfifo(place / f"{WORD} pipe")
    return folder / "source"


Target = type[TargetTree] | type[ShardTree] | type[ObjectTree]


def failing_after(
    number: int, error: int, monkeypatch: pytest.MonkeyPatch, target: Target = TargetTree
) -> None:
    """Let the target refuse all outputs from the n-th on."""
    publish = target.publish
    left = [number]

    def refuse(self: Any, *arguments: object, **options: object) -> str:
        left[0] -= 1
        if left[0] < 0:
            if error == errno.ENOSPC:
                raise OutputError("the target cannot be written: ENOSPC")
            raise OSError(error, os.strerror(error), f"{WORD}")
        return publish(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(target, "publish", refuse)


def test_no_word_is_left_where_somebody_without_the_key_may_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    source = write_source(tmp_path)
    key = write_key(tmp_path / "P.key")
    said = []
    for error in (errno.EIO, errno.ENOSPC):
        with monkeypatch.context() as patch:
            failing_after(2, error, patch)
            try:
                run(source, tmp_path / "out", key=key, workers=0, pixels="off")
            except FastdeidError as raised:
                said.append(repr(raised) + repr(raised.__cause__))
    monkeypatch.chdir(tmp_path)
    codes = [
        run_main(monkeypatch, *line.split())
        for line in (
            "run source out --key P.key --pixels off --workers 0 --dry-run",
            "run source out --key P.key --pixels off --workers 1",
            "run source out --key P.key --pixels off --workers 0",
            "verify out --key P.key --source source --workers 0",
            "report out.link-table --key P.key",
            "key rotate-link-table out.link-table --key P.key",
            "run source gone/out --key nothing.key",
        )
    ]
    assert codes == [3, 3, 3, 0, 0, 0, 8]
    captured = capfd.readouterr()
    for words in (*said, captured.out, captured.err):
        assert not leaks(words.encode())
    assert "quarantined" in captured.out
    assert len(said) == 1
    found = [path for path in tmp_path.rglob("*") if source not in path.parents]
    assert len(found) > 20
    for path in found:
        assert not leaks(os.fsencode(path.relative_to(tmp_path))), path.name
        if path.is_file():
            assert not leaks(path.read_bytes()), path.name


def test_no_word_is_left_in_shards_and_what_is_said_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    source = write_source(tmp_path)
    write_key(tmp_path / "P.key")
    monkeypatch.chdir(tmp_path)
    line = "run source out --key P.key --pixels off --workers 0 --shard-tar 1MiB"
    with monkeypatch.context() as patch:
        failing_after(2, errno.ENOSPC, patch, ShardTree)
        assert run_main(monkeypatch, *line.split()) == OutputError.exit_code
    assert run_main(monkeypatch, *line.split()) == 3
    verify = "verify out --key P.key --source source --workers 0"
    assert run_main(monkeypatch, *verify.split()) == 0
    captured = capfd.readouterr()
    assert not leaks((captured.out + captured.err).encode())
    found = [path for path in tmp_path.rglob("*") if source not in path.parents]
    assert [path.name for path in found if path.suffix == ".tar"] == ["00000-000.tar"]
    for path in found:
        assert not leaks(os.fsencode(path.relative_to(tmp_path))), path.name
        if path.is_file():
            assert not leaks(path.read_bytes()), path.name


def test_no_word_is_left_in_an_object_store_and_what_it_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write_source(tmp_path)
    write_key(tmp_path / "P.key")
    monkeypatch.chdir(tmp_path)
    line = "run source s3://canary/out --key P.key --pixels off --workers 0"
    with running(tmp_path / "server.log") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        assert run_main(monkeypatch, *line.split()) == OutputError.exit_code  # no such bucket
        server.client.create_bucket(Bucket="canary")
        with monkeypatch.context() as patch:
            failing_after(2, errno.ENOSPC, patch, ObjectTree)
            assert run_main(monkeypatch, *line.split()) == OutputError.exit_code
        assert run_main(monkeypatch, *line.split()) == 3
        keys = [one["Key"] for one in server.client.list_objects_v2(Bucket="canary")["Contents"]]
        assert {key.partition("/")[0] for key in keys} == {"out", "out.link-table"}
        assert sum(key.endswith(".dcm") for key in keys) > 2
        assert leaks(a_file(0))
        for key in keys:
            body = server.client.get_object(Bucket="canary", Key=key)["Body"]
            assert not leaks(body.read()), key
        assert not leaks("".join(map(unquote, [*keys, *server.requests()])).encode())
    captured = capfd.readouterr()
    assert not leaks((captured.out + captured.err).encode())


def leaks(data: bytes) -> bool:
    """Whether data hold the word or the name, in any common encoding."""
    return shows(data, ("CNRYWORD", "CNRYNAME"))
