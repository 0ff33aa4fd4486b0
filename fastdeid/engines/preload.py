"""What every worker needs, imported once in the process that workers are forked from.

Numba loads the compiled kernels here, or compiles them when their cache is empty: no worker ever
compiles. Imported by nothing else: it changes how its process treats signals.
"""

from __future__ import annotations

import gc
import importlib
import signal
from typing import Final

_MODULES: Final = ("fastdeid.deidentify", "fastdeid.engines.worker", "fastdeid.cli")

# Ctrl-C goes to the whole process group; the parent alone decides what it means.
signal.signal(signal.SIGINT, signal.SIG_IGN)
for _name in _MODULES:
    importlib.import_module(_name)
# What is loaded by now stays for ever: collections in the workers need not visit it.
gc.collect()
gc.freeze()
