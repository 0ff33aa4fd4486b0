"""Wheel, source distribution and editable install hold the same package, data and all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import fastdeid
from tests.house.imports import FOLDERS, REPOSITORY, modules

SOURCES = ("pyproject.toml", "README.md", "LICENSE", *FOLDERS)
IMPORT_ALL = """
import site, sys
sys.path.insert(0, sys.argv[1])
site.addsitedir(sys.argv[1])
import fastdeid, fastdeid.kernels, fastdeid.profiles, fastdeid.profiles.tables
from fastdeid.rules import load_profile
print(fastdeid.__file__, fastdeid.kernels.__file__, fastdeid.profiles.__file__, sep="\\n")
load_profile("basic")
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what is packaged, so that building leaves nothing in the repository."""
    folder = tmp_path_factory.mktemp("checkout")
    ignore = shutil.ignore_patterns("__pycache__", "*.nbi", "*.nbc")
    for name in SOURCES:
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, folder / name, ignore=ignore)
        else:
            shutil.copy(REPOSITORY / name, folder / name)
    return folder


def build(kind: str, source: Path, target: Path) -> Path:
    """Build `source` with the installed setuptools and return the file made."""
    script = (
        "import sys, setuptools.build_meta as backend\n"
        f"print(getattr(backend, {kind!r})(sys.argv[1]), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(target)],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return target / done.stderr.splitlines()[-1]


def names_in(wheel: Path) -> set[str]:
    """Return the names of the files in a wheel, without its own metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def unpacked(wheel: Path, folder: Path) -> Path:
    """Unpack a wheel and return the folder, which can be put on the path."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def imported_from(folder: Path, cwd: Path) -> list[str]:
    """Import the package from an unpacked wheel alone and return where its three parts stand."""
    # -S: without the site-packages in which the package may also be installed, then with its
    # dependencies, but behind the unpacked wheel.
    packages = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    done = subprocess.run(
        [sys.executable, "-S", "-c", IMPORT_ALL, str(folder)],
        env={**os.environ, "PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel built from the checkout."""
    return build("build_wheel", checkout, tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_every_module_and_every_table(wheel: Path) -> None:
    names = names_in(wheel)
    assert len([name for name in names if name.endswith(".py")]) == len(modules())
    tables = [path for path in (REPOSITORY / "profiles").iterdir() if path.is_file()]
    assert {f"fastdeid/profiles/{path.name}" for path in tables} <= names
    assert "fastdeid/py.typed" in names


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    assert {name.partition("/")[0] for name in names_in(wheel)} == {"fastdeid"}


def test_the_wheel_has_its_command_and_its_license(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = {name.partition(".dist-info/")[2]: name for name in archive.namelist()}
        assert "licenses/LICENSE" in metadata
        assert b"fastdeid = fastdeid.cli:main" in archive.read(metadata["entry_points.txt"])


def test_the_wheel_works_on_its_own(wheel: Path, tmp_path: Path) -> None:
    folder = unpacked(wheel, tmp_path / "unpacked")
    assert all(line.startswith(str(folder)) for line in imported_from(folder, tmp_path))


def test_a_source_distribution_makes_the_same_wheel(
    checkout: Path, wheel: Path, tmp_path: Path
) -> None:
    archive = build("build_sdist", checkout, tmp_path)
    shutil.unpack_archive(archive, tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    assert names_in(build("build_wheel", source, tmp_path)) == names_in(wheel)


def test_an_editable_install_finds_the_folders_at_the_top(checkout: Path, tmp_path: Path) -> None:
    made = build("build_editable", checkout, tmp_path)
    folder = unpacked(made, tmp_path / "unpacked")
    assert imported_from(folder, tmp_path) == [
        str(checkout / part / "__init__.py") for part in ("fastdeid", "kernels", "profiles")
    ]


def test_the_version_stands_the_same_in_both_places() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert fastdeid.__version__ == project["version"]
