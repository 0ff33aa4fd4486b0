"""The place of compiled kernels when the install is read-only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fastdeid import kernel_cache


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a folder of kernels that counts as read-only, whoever runs the tests."""
    folder = tmp_path / "install" / "kernels"
    folder.mkdir(parents=True)
    access = os.access

    def read_only(path: str, mode: int) -> bool:
        return os.fspath(path) != str(folder) and access(path, mode)

    monkeypatch.setattr(os, "access", read_only)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv(kernel_cache.VARIABLE, "")
    monkeypatch.delenv(kernel_cache.VARIABLE)
    return str(folder)


def test_the_cache_is_private_and_named_by_version_and_cpu(kernels: str, tmp_path: Path) -> None:
    kernel_cache.choose(kernels, "1.2")
    folder = Path(os.environ[kernel_cache.VARIABLE])
    assert folder.parent == tmp_path / "cache" / "fastdeid"
    assert folder.name == f"kernels-1.2-{kernel_cache.cpu_kind()}"
    assert folder.stat().st_mode & 0o077 == 0
    del os.environ[kernel_cache.VARIABLE]
    kernel_cache.choose(kernels, "1.2")
    assert os.environ[kernel_cache.VARIABLE] == str(folder)


def test_a_choice_of_the_user_stays(kernels: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernel_cache.VARIABLE, "/mine")
    kernel_cache.choose(kernels, "1.2")
    assert os.environ[kernel_cache.VARIABLE] == "/mine"


def test_a_writable_install_needs_no_other_place(tmp_path: Path) -> None:
    before = dict(os.environ)
    kernel_cache.choose(str(tmp_path), "1.2")
    assert dict(os.environ) == before


def test_a_folder_that_others_may_write_is_not_used(kernels: str, tmp_path: Path) -> None:
    (tmp_path / "cache" / "fastdeid").mkdir(parents=True)
    (tmp_path / "cache" / "fastdeid").chmod(0o777)
    kernel_cache.choose(kernels, "1.2")
    folder = Path(os.environ[kernel_cache.VARIABLE])
    assert tmp_path / "cache" not in folder.parents
    assert folder.stat().st_mode & 0o077 == 0


def test_the_kind_of_cpu_is_stable() -> None:
    assert kernel_cache.cpu_kind() == kernel_cache.cpu_kind()
    assert len(kernel_cache.cpu_kind()) == 12
