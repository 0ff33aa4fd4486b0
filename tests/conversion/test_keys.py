"""The project key file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fastdeid.errors import KeyFileError
from fastdeid.keys import KEY_SIZE, read_key, write_key


def test_a_new_key_is_random_private_and_can_be_read(tmp_path: Path) -> None:
    keys = [tmp_path / "a", tmp_path / "b"]
    for path in keys:
        write_key(path)
    first, second = (read_key(path) for path in keys)
    assert len(first) == len(second) == KEY_SIZE
    assert first != second
    assert keys[0].stat().st_mode & 0o777 == 0o600


def test_a_new_key_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_key(tmp_path / "key")
    finally:
        os.umask(before)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    write_key(tmp_path / "key")
    before = (tmp_path / "key").read_bytes()
    with pytest.raises(KeyFileError, match="never overwritten"):
        write_key(tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == before


def test_a_key_is_not_written_through_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError):
        write_key(tmp_path / "key")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610, 0o644, 0o777])
def test_a_key_that_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    write_key(tmp_path / "key")
    (tmp_path / "key").chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_key(tmp_path / "key")


def test_a_read_only_key_is_accepted(tmp_path: Path) -> None:
    write_key(tmp_path / "key")
    (tmp_path / "key").chmod(0o400)
    assert len(read_key(tmp_path / "key")) == KEY_SIZE


@pytest.mark.parametrize("content", [b"", bytes(31), b"x" * 31, b"x" * 33, bytes(32)])
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(KeyFileError, match="does not hold a key"):
        read_key(path)


def test_a_missing_key_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="fastdeid keygen"):
        read_key(tmp_path / "Doe^Jane.key")


def test_a_link_a_folder_and_a_fifo_are_no_keys(tmp_path: Path) -> None:
    write_key(tmp_path / "key")
    (tmp_path / "link").symlink_to(tmp_path / "key")
    (tmp_path / "folder").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "fifo", 0o600)
    for name in ("link", "folder", "fifo"):
        with pytest.raises(KeyFileError):
            read_key(tmp_path / name)


def test_a_key_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_key(tmp_path / "key")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(KeyFileError, match="another user"):
        read_key(tmp_path / "key")


@pytest.mark.parametrize("size", [31, 32, 33])
def test_a_key_comes_through_a_pipe(size: int) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"k" * size)
    os.close(writer)
    if size != KEY_SIZE:
        with pytest.raises(KeyFileError, match="does not hold a key"):
            read_key(f"fd:{reader}")
        return
    assert read_key(f"fd:{reader}") == b"k" * size


@pytest.mark.parametrize("spelling", ["fd:", "fd:x", "fd:-1", "fd:99999999999999999999", "fd:987"])
def test_what_is_no_open_descriptor_is_refused(spelling: str) -> None:
    with pytest.raises(KeyFileError, match="descriptor"):
        read_key(spelling)


def test_a_key_comes_as_a_credential_of_a_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_key(tmp_path / "project")
    (tmp_path / "project").chmod(0o440)
    with pytest.raises(KeyFileError, match="no such credential"):
        read_key("credential:project")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_key("credential:project") == (tmp_path / "project").read_bytes()
    for name in ("other", "", "..", "../project"):
        with pytest.raises(KeyFileError, match="credential"):
            read_key(f"credential:{name}")
    (tmp_path / "project").chmod(0o444)
    with pytest.raises(KeyFileError, match="open to"):
        read_key("credential:project")


def test_a_key_comes_from_the_environment_with_a_warning_and_leaves_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROJECT_KEY_FOR_A_TEST", "0f" * KEY_SIZE)
    with pytest.warns(UserWarning, match="environment shows"):
        assert read_key("env:PROJECT_KEY_FOR_A_TEST") == b"\x0f" * KEY_SIZE
    assert "PROJECT_KEY_FOR_A_TEST" not in os.environ
    with pytest.warns(UserWarning, match="environment"), pytest.raises(KeyFileError):
        read_key("env:NOT_SET_FOR_A_TEST")


def test_no_message_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError) as raised:
        write_key(tmp_path / "Doe^Jane" / "key")
    assert "Doe" not in str(raised.value)
    assert raised.value.exit_code == 8
