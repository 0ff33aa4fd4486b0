"""Unique words in every VR, name and path: after faults, nobody without the key has one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fastdeid.engines.local import run
from fastdeid.errors import FastdeidError, OutputError
from fastdeid.storage import TargetTree
from tests import builders as b
from tests.cli.test_commands import run_main
from tests.conversion.archive import write_key
from tests.runs import ct_image

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


def failing_after(number: int, error: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the target refuse all outputs from the n-th on."""
    publish = TargetTree.publish
    left = [number]

    def refuse(self: TargetTree, *arguments: object, **options: object) -> str:
        left[0] -= 1
        if left[0] < 0:
            if error == errno.ENOSPC:
                raise OutputError("the target cannot be written: ENOSPC")
            raise OSError(error, os.strerror(error), f"{WORD}")
        return publish(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(TargetTree, "publish", refuse)


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


def leaks(data: bytes) -> bool:
    """Whether data hold the word or the name, in any common encoding."""
    folded = data.upper()
    return any(
        word.encode(encoding) in folded
        for word in ("CNRYWORD", "CNRYNAME")
        for encoding in ("ascii", "utf-16-le", "utf-16-be", "utf-32-le")
    )
