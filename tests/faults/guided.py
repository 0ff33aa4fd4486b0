"""`python -m tests.faults.guided parser|instance|pixels`: atheris mutates, guided by coverage.

It sees the branches of compiled kernels (`counted`) and the bytecode of the Python code around
them. Further arguments are those of libFuzzer, such as -runs=100000. What is new goes to
build/fuzz, where the next time begins.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import atheris

from tests.faults import counted
from tests.house.imports import REPOSITORY

_KERNELS: Final = [
    f"fastdeid.kernels.{path.stem}" for path in (REPOSITORY / "kernels").glob("*.py")
]

# Before anything imports a kernel. Numba cannot compile what atheris has instrumented.
BLOCKS: Final = counted.install(REPOSITORY / "build" / "counted")
with atheris.instrument_imports(include=["fastdeid"], exclude=_KERNELS):
    from fastdeid.dicom.batch import BatchReader
    from fastdeid.dicom.reader import Reader
    from fastdeid.errors import DicomError
    from fastdeid.pixels.modes import PixelMode
    from tests.faults.fuzz import CORPUS, PICTURES, TOKENS
    from tests.faults.hostile import SECONDS, Victim
    from tests.runs import basic_profile

# A busy machine may take a second for a file that takes a millisecond of CPU.
_HANGS: Final = 20 * SECONDS
_PIXELS: Final = {"instance": PixelMode.OFF, "pixels": PixelMode.EXAMINE}


def parser() -> Callable[[bytes], None]:
    """Return what reads a file as `Deidentifier` does: with ordinary ones, else alone."""
    profile = basic_profile()
    tables = profile.dictionary_keys, profile.dictionary_vrs
    together, alone = BatchReader(*tables), Reader(*tables)
    fd = os.memfd_create("input")

    def read(data: bytes) -> None:
        os.ftruncate(fd, 0)
        os.pwrite(fd, data, 0)
        if not together.read([fd], [len(data)]):
            with contextlib.suppress(DicomError):
                alone.read(fd, len(data))

    return read


def instance(folder: Path, pixels: PixelMode = PixelMode.OFF) -> Callable[[bytes], None]:
    """Return what takes a file through to its output, as a run does."""
    victim = Victim(folder, pixels)
    for path in PICTURES.iterdir():
        victim.process(path.read_bytes())  # Kernels that have to be compiled take their time.

    def process(data: bytes) -> None:
        assert victim.process(data).seconds < _HANGS, "hangs"

    return process


def main(what: str, *arguments: str) -> None:
    """Fuzz; the process ends with it. An exception or a file that takes too long is a fault."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    folder = Path(tempfile.mkdtemp(dir=place))
    target = parser() if what == "parser" else instance(folder, _PIXELS[what])
    corpus, longest = (PICTURES, 1 << 15) if what == "pixels" else (CORPUS, 1 << 13)
    words = folder / "words"
    words.write_text("".join('"' + "".join(f"\\x{n:02x}" for n in one) + '"\n' for one in TOKENS))
    options = ["-timeout=60", "-rss_limit_mb=2048", f"-max_len={longest}", f"-dict={words}"]

    def one(data: Any) -> None:
        target(bytes(data))

    # The folder that comes first takes what is new.
    grown = REPOSITORY / "build" / "fuzz" / what
    grown.mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], *options, *arguments, str(grown), str(corpus)], one)
    counted.tell(BLOCKS)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
