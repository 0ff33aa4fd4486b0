"""De-identification of DICOM archives at about the speed of a copy, PS3.15 Annex E."""

from __future__ import annotations

import os as _os

__version__ = "0.1.0"


def _prepare() -> None:
    """Choose a place for compiled kernels, where the install is read-only, before numba looks."""
    kernels = _os.path.join(_os.path.dirname(__file__), "kernels")
    if _os.path.isdir(kernels) and not _os.access(kernels, _os.W_OK):
        from fastdeid import kernel_cache

        kernel_cache.choose(kernels, __version__)


_prepare()
