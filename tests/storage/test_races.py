"""Two writers of one key at the same moment: what stands there first stays, on S3, too."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from fastdeid import objects, s3
from fastdeid.engines import local, shares
from tests.conversion.archive import KEY, tree, write_key
from tests.storage.packing import files as some_files
from tests.storage.packing import write_files
from tests.storage.s3_server import Server, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server for all tests, with a bucket."""
    with running(tmp_path_factory.mktemp("server") / "log") as server:
        server.client.create_bucket(Bucket="races")
        yield server


@pytest.fixture(autouse=True)
def environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


def put(uri: str, data: bytes) -> str:
    with objects.new_file(len(data)) as file:
        file.write(data)
        file.flush()
        return objects.put(uri, file.fileno())


def body(server: Server, key: str) -> bytes:
    found: bytes = server.client.get_object(Bucket="races", Key=key)["Body"].read()
    return found


@pytest.mark.parametrize(("theirs", "state"), [(b"theirs", "different"), (b"ours", "same")])
def test_what_another_writer_puts_after_the_look_stays(
    theirs: bytes, state: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"look-{state}"
    look = objects.info

    def late(uri: str) -> objects.Info:
        try:
            return look(uri)
        except FileNotFoundError:
            server.client.put_object(Bucket="races", Key=key, Body=theirs)
            raise

    monkeypatch.setattr(objects, "info", late)
    monkeypatch.setattr(s3.conditional_puts(), "is_kept", False)
    assert put(f"s3://races/{key}", b"ours") == state
    assert body(server, key) == theirs


def test_a_store_that_keeps_its_word_is_not_asked_what_stands_there(server: Server) -> None:
    put("s3://races/first", b"1")
    assert s3.conditional_puts().is_kept
    before = len(server.requests())
    assert put("s3://races/second", b"2") == "new"
    assert server.requests()[before:] == ["PUT /races/second"]
    assert put("s3://races/second", b"2") == "same"
    assert put("s3://races/second", b"3") == "different"
    assert body(server, "second") == b"2"


def test_without_boto3_there_is_a_look_before(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "conditional_puts", s3.ConditionalPuts)

    def missing(_: int = 1) -> Any:
        raise ImportError

    monkeypatch.setattr(s3, "client_of", missing)
    before = len(server.requests())
    assert put("s3://races/look", b"1") == "new"
    assert put("s3://races/look", b"2") == "different"
    assert any(one.startswith("HEAD") for one in server.requests()[before:])
    assert body(server, "look") == b"1"


class _Other(http.server.BaseHTTPRequestHandler):
    """A store that does not know the condition: it puts whatever comes, or refuses."""

    answer: ClassVar[int] = 200
    puts: ClassVar[list[str]] = []

    def do_PUT(self) -> None:
        self.puts.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(self.answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def other_store(answer: int) -> Iterator[str]:
    _Other.answer, _Other.puts = answer, []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Other) as store:
        thread = threading.Thread(target=store.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{store.server_address[1]}"
        store.shutdown()
        thread.join()


@pytest.mark.parametrize(("answer", "done"), [(200, True), (501, None)])
def test_a_store_that_does_not_know_the_condition_is_asked_once(
    answer: int, done: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with other_store(answer) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        puts = s3.ConditionalPuts()
        assert puts.put("bucket", "key", b"once") is done
        assert set(_Other.puts) == {"once"}
        asked = len(_Other.puts)
        assert puts.put("bucket", "another", b"again") is None
        assert len(_Other.puts) == asked
        assert not puts.is_kept


@pytest.mark.jit
def test_two_tasks_of_one_partition_leave_what_one_leaves(server: Server, tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", some_files(2, 8))
    key = write_key(tmp_path / "P.key", KEY)
    given: Any = {"key": key, "pixels": "off", "sync": False}
    local.run(source, tmp_path / "one", workers=0, **given)
    work, target = "s3://races/work", "s3://races/out"
    assert shares.plan(source, work, target=target, partitions=1, **given).partitions == 1

    def task(_: int) -> str:
        return shares.run_partition(work, 0, workers=0).state

    with ThreadPoolExecutor(2) as pool:
        states = list(pool.map(task, range(2)))
    assert "done" in states
    shares.finalise(work)
    names = [
        one["Key"]
        for one in server.client.list_objects_v2(Bucket="races", Prefix="out/")["Contents"]
    ]
    found = {name.removeprefix("out/"): body(server, name) for name in names}
    assert found == tree(tmp_path / "one")
