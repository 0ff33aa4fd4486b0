"""A file imports only from its own or a lower layer, never in a circle, and stays small."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.house.imports import REPOSITORY, graph, modules

# Lowest first. "" is fastdeid/__init__.py. Whoever adds a module says here where it stands.
LAYERS = (
    ("", "errors", "hardening", "interrupts", "kernel_cache", "letters", "tags", "verdicts"),
    ("dicom", "dicom.*", "kernels", "kernels.*", "profiles", "profiles.*"),
    (
        *(
            "available",
            "codes",
            "contexts",
            "dates",
            "moments",
            "insertions",
            "iods",
            "kinds",
            "lookup",
        ),
        *("options", "overrides", "policy", "profile_lines", "rules", "settings"),
        *("sop_classes", "variants"),
        *("cuts", "descriptors", "identity", "introductions", "mentions", "passages", "patterns"),
        "spelled_dates",
        *(
            "calendar_words",
            "houses",
            "postal",
            "report_words",
            "strictness",
            "surroundings",
            "vocabulary",
        ),
        *("folders", "keys", "manifest", "naming", "pseudonyms", "shards", "storage"),
        *("files", "input_types", "objects", "s3"),
        *("key_service", "sealing"),
        *("codecs", "codecs.*", "pixels", "pixels.*"),
        *("identifiers", "new_file", "tabular"),
        *("archives", "archives.*"),
    ),
    (
        *(
            "actions",
            "attributes",
            "chances",
            "documents",
            "dummies",
            "leaks",
            "markers",
            "memo",
            "needles",
        ),
        *(
            "digests",
            "fetching",
            "object_tree",
            "facts",
            "headers",
            "outcome",
            "profile_text",
            "references",
            "jobs",
            "pixel_jobs",
            "reversible",
            "rewrite",
            "second_pass",
            "setting",
            "statement",
            "texts",
        ),
        *("concepts", "enumerated", "graphics", "midnight", "overlays", "structured"),
        *("characteristics", "private", "private_plan", "private_rows", "private_values"),
        *("ascconv", "crosswalk", "csa"),
    ),
    ("deidentify",),
    (
        *(
            "columns",
            "convert",
            "dangling",
            "draft",
            "drawn_key",
            "finalise",
            "inputs",
            "listing",
            "partition",
            "plan",
            "plan_file",
            "replaced",
            "settling",
            "shard_settling",
            "standing",
            "streams",
            "summary",
            "tables",
        ),
        *("attempts", "comparison", "explain", "pixel_reasons", "preview"),
        *("reporting", "reporting.*", "verification", "verification.*", "workspace"),
        *("link_table", "link_table_files", "project"),
    ),
    ("engines", "engines.*", "progress"),
    ("api", "audit", "exports", "exports.*", "linkage", "linkage.*", "risk"),
    (
        *(
            "__main__",
            "cli",
            "cluster_commands",
            "commands",
            "link_commands",
            "profile_commands",
            "verify_commands",
        ),
        *("export_commands", "key_commands", "pixel_commands", "run_options"),
    ),
)
HEAVY = ("numba", "numpy", "pyarrow", "cv2", "pydicom", "cryptography")
PYTHON_FILES = sorted(
    path
    for folder in ("fastdeid", "kernels", "profiles", "bench", "tests")
    for path in (REPOSITORY / folder).rglob("*.py")
)
NO_NAMES = {"utils", "helpers", "common", "misc", "manager", "base"}


def layer(module: str) -> int:
    """Return the layer of a module; fail for one that stands in none."""
    for number, patterns in enumerate(LAYERS):
        if any(module == pattern or fnmatch(module, pattern) for pattern in patterns):
            return number
    pytest.fail(f"{module} stands in no layer")


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_module_imports_nothing_above_it(module: str) -> None:
    above = {other for other in graph()[module] if layer(other) > layer(module)}
    assert above == set()


def test_no_import_goes_in_a_circle() -> None:
    tuple(graphlib.TopologicalSorter(graph()).static_order())


def test_kernels_import_nothing_of_the_package() -> None:
    kernels = {name: others for name, others in graph().items() if name.startswith("kernels.")}
    assert {name: others for name, others in kernels.items() if others} == {}


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys, fastdeid.cli\n"
        "sys.argv = ['fastdeid', '--help']\n"
        "try:\n"
        "    fastdeid.cli.main()\n"
        "except SystemExit:\n"
        "    pass\n"
        f"print('heavy:', *(name for name in {HEAVY} if name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert "Usage" in done.stdout
    assert done.stdout.splitlines()[-1].strip() == "heavy:"


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_files_and_functions_stay_small(path: Path) -> None:
    source = path.read_text()
    n_lines = source.count("\n")
    assert n_lines <= 400
    assert path.stem not in NO_NAMES
    too_long = [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert too_long == []


def test_the_top_of_the_repository_is_the_architecture() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    assert {name.partition("/")[0] for name in listed.stdout.splitlines()} <= {
        *("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile"),
        *(".ci", ".gitignore", ".pre-commit-config.yaml"),
        *(".dockerignore", "Dockerfile", "apptainer.def"),
        *("fastdeid", "kernels", "bench", "docs", "tests", "profiles"),
    }
