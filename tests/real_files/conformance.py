"""`python -m tests.real_files.conformance`: dciodvfy on every real file under every profile.

Prints the errors that an output has and its source has not, for each profile of fastdeid with and
without the look into pixels. Ends with 1 where there is one.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from fastdeid.deidentify import Deidentifier
from fastdeid.pixels.modes import PixelMode
from fastdeid.rules import load_profile
from tests.conftest import real_files
from tests.judges import dciodvfy_errors
from tests.runs import PSEUDONYMS

PROFILES: Final = ("basic", "research", "teaching", "clinical-trial", "safe-harbor")
MODES: Final = (PixelMode.OFF, PixelMode.EXAMINE)
_ASKED_AT_ONCE: Final = 2


class Conformance:
    """What dciodvfy says of some files, and of what becomes of them.

    files: sources. An output has no new error when its source has it as often.
    """

    def __init__(self, files: list[Path], folder: Path) -> None:
        self._files = files
        self._folder = folder
        with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
            self._before = dict(zip(files, pool.map(dciodvfy_errors, files), strict=True))

    def new_errors(self, profile: str, mode: PixelMode) -> tuple[int, dict[str, Counter[str]]]:
        """Return how many files have an output, and the new errors by name of the source."""
        loaded, outputs = load_profile(profile), {}
        for number, file in enumerate(self._files):
            # UIDs repeat among the files, so each has a target of its own.
            target = self._folder / f"{profile}-{mode.value}-{number:03}"
            deidentifier = Deidentifier(loaded, PSEUDONYMS, target, pixels=mode)
            outcome = deidentifier.process(bytes(file))
            deidentifier.close()
            if outcome.path:
                outputs[file] = target / outcome.path
        with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
            after = list(pool.map(dciodvfy_errors, outputs.values()))
        new = {
            file.name: errors - self._before[file]
            for file, errors in zip(outputs, after, strict=True)
        }
        return len(outputs), {name: errors for name, errors in new.items() if errors}


def main() -> int:
    """Judge every file under every profile."""
    n_new = 0
    with tempfile.TemporaryDirectory(prefix="conformance") as folder:
        judge = Conformance(real_files(), Path(folder))
        for profile in PROFILES:
            for mode in MODES:
                n_outputs, found = judge.new_errors(profile, mode)
                n_new += len(found)
                print(f"{profile}, pixels {mode.value}: {n_outputs} outputs, {len(found)} with new")
                for name, errors in found.items():
                    for line, count in errors.items():
                        print(f"  {name}: {count} x {line}")
    return 1 if n_new else 0


if __name__ == "__main__":
    sys.exit(main())
