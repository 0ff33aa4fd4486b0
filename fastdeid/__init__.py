"""De-identification of DICOM archives at about the speed of a copy, PS3.15 Annex E.

`deidentify`, `convert`, `verify` and `open_link_table` are what `fastdeid.api` documents.
"""

from __future__ import annotations

import os as _os
import sys as _sys
import types as _types
from typing import Any as _Any

__version__ = "0.1.0"
__all__ = ["LinkTable", "Result", "convert", "deidentify", "open_link_table", "verify"]


class _Package(_types.ModuleType):
    """Loads the functions of the API when they are first used.

    Two modules, which users do not import, have the names of functions: the name is the function's.
    """

    def __setattr__(self, name: str, value: _Any) -> None:
        if not (name in __all__ and isinstance(value, _types.ModuleType)):
            super().__setattr__(name, value)


def __getattr__(name: str) -> _Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module("fastdeid.api"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


_sys.modules[__name__].__class__ = _Package


def _prepare() -> None:
    """Choose a place for compiled kernels, where the install is read-only, before numba looks."""
    kernels = _os.path.join(_os.path.dirname(__file__), "kernels")
    places = (kernels, _os.environ.get("NUMBA_CACHE_DIR", ""))
    if any(_os.path.isdir(place) and not _os.access(place, _os.W_OK) for place in places):
        from fastdeid import kernel_cache

        kernel_cache.choose(kernels, __version__)


_prepare()
