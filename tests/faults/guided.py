"""`python -m tests.faults.guided`: atheris mutates files, guided by the coverage of Python code.

With NUMBA_DISABLE_JIT=1 it sees into the kernels too, at a hundredth of the speed. Arguments are
those of libFuzzer, such as -runs=100000.
"""

from __future__ import annotations

import os
import pkgutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris

import fastdeid.kernels

KERNELS = [
    f"fastdeid.kernels.{module.name}" for module in pkgutil.iter_modules(fastdeid.kernels.__path__)
]

# Compiled code cannot be instrumented, and numba cannot compile what is.
_COMPILED = () if os.environ.get("NUMBA_DISABLE_JIT") else KERNELS
with atheris.instrument_imports(include=["fastdeid"], exclude=_COMPILED):
    from tests.faults.fuzz import CORPUS
    from tests.faults.hostile import SECONDS, Victim


def main(arguments: list[str]) -> None:
    """Fuzz; the process ends with it. An exception or a slow file is a fault."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    folder = Path(tempfile.mkdtemp(dir=place))
    victim = Victim(folder)
    inputs = folder / "corpus"
    inputs.mkdir()
    for path in CORPUS.iterdir():
        (inputs / path.name).write_bytes(path.read_bytes())

    def one(data: Any) -> None:
        cost = victim.process(bytes(data))
        assert cost.seconds < 20 * SECONDS, "hangs"

    options = ["-timeout=60", "-rss_limit_mb=2048", "-max_len=8192", *arguments]
    atheris.Setup([sys.argv[0], *options, str(inputs)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
