"""Who wraps the keys of the link table: the project key, or a server that speaks as AWS KMS."""

from __future__ import annotations

import base64
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fastdeid.engines.local import run
from fastdeid.errors import KeyFileError
from fastdeid.key_service import AwsKeyService, ProjectKeyService
from fastdeid.link_table import open_link_table
from fastdeid.link_table_files import locks, rotate
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.sealing import check_master
from tests.conversion.archive import KEY, write_archive, write_key
from tests.conversion.fakes import FakeDeidentifier

boto3 = pytest.importorskip("boto3")
pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a key management service that runs in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("moto") / "log"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        deadline = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


@pytest.fixture
def master(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a new key of the service, which the environment tells how to reach."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    made: dict[str, Any] = boto3.client("kms").create_key()
    return str(made["KeyMetadata"]["Arn"])


@pytest.fixture
def links(tmp_path: Path) -> Path:
    """Return the link table of a finished run."""
    source = write_archive(tmp_path / "source", n_patients=1, n_files=2)
    key = write_key(tmp_path / "P.key")
    run(source, tmp_path / "out", key=key, workers=0, make=FakeDeidentifier)
    return tmp_path / "out.link-table"


def test_the_project_key_unwraps_what_it_has_wrapped() -> None:
    service = ProjectKeyService(Pseudonyms(KEY))
    first, second = service.new_master(), service.new_master()
    wrapped = service.wrap(b"data key", first)
    assert b"data key" not in wrapped
    assert service.unwrap(wrapped, first) == b"data key"
    with pytest.raises(KeyFileError, match="changed"):
        service.unwrap(wrapped, second)
    with pytest.raises(KeyFileError, match="another project key"):
        ProjectKeyService(Pseudonyms(KEY[::-1])).unwrap(wrapped, first)


def test_an_unknown_kind_of_key_is_refused() -> None:
    check_master("aws-kms:alias/x")
    for master in ("", "vault:x", "aws", "project:x"):
        with pytest.raises(KeyFileError):
            check_master(master)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_server_wraps_and_unwraps(master: str) -> None:
    service = AwsKeyService()
    name = service.master(master)
    assert ":" not in name
    wrapped = service.wrap(b"data key", name)
    assert service.unwrap(wrapped, name) == b"data key"
    with pytest.raises(KeyFileError, match="refuses: NotFoundException"):
        service.wrap(b"data key", service.master("alias/nobody"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_link_table_goes_under_a_key_of_a_server(
    links: Path, master: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = open_link_table(links, KEY).instances.to_table()
    closed = rotate(links, Pseudonyms(KEY), f"aws-kms:{master}")
    assert {one.master for one in closed} == {AwsKeyService.master(master)}
    assert open_link_table(links, KEY).instances.to_table().equals(rows)
    encoded = base64.b64encode(Pseudonyms(KEY).sealing_key)
    assert encoded not in (links / "instances.parquet").read_bytes()
    # Without the server the project key alone opens nothing.
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(KeyFileError, match="refuses"):
        open_link_table(links, KEY)
    assert not any(one.opens for one in locks(links, Pseudonyms(KEY)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_run_writes_its_link_table_under_it(master: str, tmp_path: Path) -> None:
    source = write_archive(tmp_path / "source", n_patients=1, n_files=2)
    key = write_key(tmp_path / "P.key")
    options: dict[str, Any] = {"workers": 0, "make": FakeDeidentifier}
    under = f"aws-kms:{master}"
    run(source, tmp_path / "out", key=key, link_table_key=under, **options)
    closed = locks(tmp_path / "out.link-table", Pseudonyms(KEY))
    assert {one.master for one in closed} == {AwsKeyService.master(master)}
    assert run(source, tmp_path / "out", key=key, link_table_key=under, **options).state == (
        "unchanged"
    )
