"""Who imports whom, read from the source and not by importing."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = {"fastdeid": "", "kernels": "kernels.", "profiles": "profiles."}


def modules() -> dict[str, Path]:
    """Return every module of the package by its name below `fastdeid`; a package is its folder."""
    found = {}
    for folder, prefix in FOLDERS.items():
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            parts = path.relative_to(REPOSITORY / folder).with_suffix("").parts
            name = prefix + ".".join(part for part in parts if part != "__init__")
            found[name.rstrip(".")] = path
    return found


def imported_names(path: Path) -> Iterator[str]:
    """Yield every name below `fastdeid` that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"relative import in line {node.lineno}"
            yield from (f"{node.module}.{name.name}" for name in node.names)


@functools.cache
def graph() -> dict[str, set[str]]:
    """Return module -> modules of this package that it imports."""
    known = modules()
    return {module: set(edges(path, known)) - {module} for module, path in known.items()}


def edges(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield the modules of this package that a file imports; an attribute counts as its module."""
    for name in imported_names(path):
        package, _, below = name.partition(".")
        if package == "fastdeid":
            while below not in known:
                below = below.rpartition(".")[0]
            yield below
