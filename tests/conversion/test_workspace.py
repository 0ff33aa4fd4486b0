"""The working folder of a run: what is not there, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdeid.errors import OutputError, UsageError
from fastdeid.workspace import SETTINGS_FILE, Workspace


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"source": 1}'])
def test_a_folder_without_a_run_is_wrong_usage(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / SETTINGS_FILE).write_bytes(content)
    with pytest.raises(UsageError, match="holds no run"):
        _ = Workspace(tmp_path).settings


def test_settings_that_cannot_be_read_are_no_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).mkdir()
    with pytest.raises(OutputError, match="cannot be read") as raised:
        _ = Workspace(tmp_path).settings
    assert str(tmp_path) not in str(raised.value)
