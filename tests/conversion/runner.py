"""`python -m tests.conversion.runner SOURCE TARGET KEY WORKERS [SECONDS]`: a run to kill.

SECONDS: what it gives partitions at hand when it is asked to stop; few files are one partition
then, as without pixels.
"""

from __future__ import annotations

import signal
import sys

from fastdeid.engines import stop
from fastdeid.engines.local import run
from fastdeid.errors import FastdeidError
from fastdeid.pixels.modes import PixelMode
from tests.conversion.fakes import FakeDeidentifier

if __name__ == "__main__":
    # A shell's background jobs, and what they start, ignore Ctrl-C; here it is what is tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    source, target, key, workers, *patience = sys.argv[1:]
    for seconds in patience:
        stop._PATIENCE_SECONDS = float(seconds)  # type: ignore[misc]
    try:
        pixels = PixelMode.OFF if patience else PixelMode.EXAMINE
        run(source, target, key=key, workers=int(workers), pixels=pixels, make=FakeDeidentifier)
    except FastdeidError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
