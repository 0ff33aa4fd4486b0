"""SOURCE, TARGET and WORK in an object store: a real S3 server, in a process of its own."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow.parquet as pq
import pytest

from fastdeid import files, objects, plan
from fastdeid.cli import main
from fastdeid.engines import local, shares, verifying
from fastdeid.errors import OutputError, UsageError
from tests import builders as b
from tests.conversion.archive import KEY, tree, verdicts, write_key
from tests.link_tables import read_link_table
from tests.storage.packing import Files, tar_bytes, write_files
from tests.storage.packing import files as some_files
from tests.storage.s3_server import Server, running
from tests.verification.release import PATIENTS, a_file, data_set


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server for all tests, and let this process know of it."""
    before = dict(os.environ)
    with running(tmp_path_factory.mktemp("server") / "log") as server:
        os.environ.update(server.environment)
        yield server
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def bucket(server: Server, request: pytest.FixtureRequest) -> str:
    """Return a new bucket."""
    name = f"b{abs(hash(request.node.name)):x}"
    client(server).create_bucket(Bucket=name)
    return name


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return a key file."""
    return write_key(tmp_path / "P.key", KEY)


def client(server: Server) -> Any:
    return server.client


def upload(server: Server, bucket: str, content: Files, prefix: str = "in") -> str:
    for name, data in content.items():
        client(server).put_object(Bucket=bucket, Key=f"{prefix}/{name}", Body=data)
    return f"s3://{bucket}/{prefix}"


def stored(server: Server, bucket: str, prefix: str) -> dict[str, bytes]:
    """Return what stands below a prefix, by path below it; "" for all of a bucket."""
    prefix = f"{prefix}/" if prefix else ""
    pages = client(server).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    names = [one["Key"] for page in pages for one in page.get("Contents", ())]
    return {
        name.removeprefix(prefix): client(server).get_object(Bucket=bucket, Key=name)["Body"].read()
        for name in names
        if not name.endswith("/")
    }


def content() -> Files:
    """Return files: short ones, one of 5 MB, one of 12 MB, a duplicate, and no DICOM."""
    found = some_files(2, 2)
    return {
        **found,
        "copy": found[f"{PATIENTS[0].name}/000"],
        "long": long_file(0, 5_000_000),
        "very long": long_file(1, 12 << 20),
        "very long.txt": b"no DICOM" * 700_000,
    }


def long_file(number: int, size: int) -> bytes:
    pixels = b.element(0x7FE00010, "OB", bytes(range(250)) * (size // 250))
    return b.part10(data_set(PATIENTS[2], number, pixels))


def run(source: str | Path, target: str | Path, key: Path, **options: Any) -> None:
    given: Any = {"key": key, "workers": 0, "pixels": "off", "sync": False, **options}
    local.run(source, target, **given)


def tables(target: str | Path) -> dict[str, Any]:
    """Return the rows of the link table beside TARGET."""
    found = {}
    for name in ("instances", "identities", "references"):
        path = f"{target}.link-table/{name}.parquet"
        with objects.as_local(path) as file:
            found[name] = read_link_table(Path(file), KEY).to_pylist()
    return found


def test_a_run_from_store_to_store_leaves_what_a_run_on_files_leaves(
    server: Server, bucket: str, tmp_path: Path, key: Path
) -> None:
    source = upload(server, bucket, content())
    run(write_files(tmp_path / "in", content()), tmp_path / "out", key)
    run(source, f"s3://{bucket}/out", key)
    assert stored(server, bucket, "out") == tree(tmp_path / "out")
    assert tables(f"s3://{bucket}/out") == tables(tmp_path / "out")
    found = {one[0] for one in verdicts(tmp_path / "out").values()}
    assert found == {"ok", "duplicate", "not_dicom"}
    # Nothing is left under temporary names, and no upload is open.
    assert not [name for name in stored(server, bucket, "") if "unfinished" in name]
    assert "Uploads" not in client(server).list_multipart_uploads(Bucket=bucket)
    # The same call finds all of it there.
    before = stored(server, bucket, "")
    run(source, f"s3://{bucket}/out", key)
    assert stored(server, bucket, "") == before


def test_each_of_source_target_and_work_may_stand_elsewhere(
    server: Server, bucket: str, tmp_path: Path, key: Path
) -> None:
    some = some_files(1, 2)
    source = upload(server, bucket, some)
    folder = write_files(tmp_path / "in", some)
    run(folder, tmp_path / "out", key)
    run(source, tmp_path / "a", key)
    run(folder, f"s3://{bucket}/b", key, link_table=tmp_path / "b.work")
    run(folder, tmp_path / "c", key, link_table=f"s3://{bucket}/c.work")
    expected = tree(tmp_path / "out")
    assert tree(tmp_path / "a") == tree(tmp_path / "c") == stored(server, bucket, "b") == expected


def test_a_short_object_takes_one_request_and_no_dicom_is_not_fetched_whole(
    server: Server, bucket: str, tmp_path: Path, key: Path
) -> None:
    source = upload(server, bucket, content())
    before = len(server.requests())
    run(source, tmp_path / "out", key)
    asked = server.requests()[before:]

    def gets(name: str) -> int:
        return [unquote(one) for one in asked].count(f"GET /{bucket}/in/{name}")

    assert gets(f"{PATIENTS[0].name}/000") == 1
    assert gets("long") == gets("very long") == 2  # the header, and then the rest
    assert gets("very long.txt") == 1


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
def test_archives_are_read_from_a_store(
    server: Server, bucket: str, tmp_path: Path, key: Path, suffix: str
) -> None:
    some = some_files(1, 2)
    run(write_files(tmp_path / "in", some), tmp_path / "out", key)
    source = upload(server, bucket, {f"a{suffix}": tar_bytes(some, suffix)})
    run(source, tmp_path / "folder", key)
    run(f"{source}/a{suffix}", tmp_path / "archive", key)
    assert tree(tmp_path / "folder") == tree(tmp_path / "archive") == tree(tmp_path / "out")


def test_verify_reads_a_release_in_a_store(
    server: Server, bucket: str, tmp_path: Path, key: Path
) -> None:
    source = upload(server, bucket, some_files(1, 2))
    run(source, f"s3://{bucket}/out", key)

    def found() -> list[str]:
        done = verifying.verify(
            f"s3://{bucket}/out",
            link_table=f"s3://{bucket}/out.link-table",
            key=key,
            source=source,
            workers=0,
            use_dciodvfy=False,
        )
        assert done.verified == 2
        return [one.kind for one in done.findings]

    assert found() == []
    client(server).put_object(Bucket=bucket, Key="out/more.dcm", Body=b"")
    assert found() == ["unknown_file"]
    name = next(name for name in stored(server, bucket, "out") if name.count("/") == 3)
    client(server).delete_object(Bucket=bucket, Key=f"out/{name}")
    assert set(found()) == {"unknown_file", "missing"}


def test_partitions_of_a_cluster_meet_in_a_store(
    server: Server, bucket: str, tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "MAX_FILES", 2)
    source = upload(server, bucket, some_files(2, 3))
    run(source, tmp_path / "out", key)
    work = f"s3://{bucket}/work"
    given: Any = {"pixels": "off", "sync": False, "partitions": 4}
    planned = shares.plan(source, work, target=f"s3://{bucket}/out", key=key, **given)
    for number in reversed(range(planned.partitions)):
        shares.run_partition(work, number, workers=0)
    shares.finalise(work)
    assert stored(server, bucket, "out") == tree(tmp_path / "out")


def test_an_object_that_stands_there_is_never_overwritten(
    server: Server, bucket: str, tmp_path: Path, key: Path
) -> None:
    folder = write_files(tmp_path / "in", some_files(1, 1))
    run(folder, tmp_path / "out", key)
    (name,) = [name for name in tree(tmp_path / "out") if name.endswith(".dcm")]
    client(server).put_object(Bucket=bucket, Key=f"out/{name}", Body=b"not ours")
    run(folder, f"s3://{bucket}/out", key, link_table=tmp_path / "work")
    assert stored(server, bucket, "out")[name] == b"not ours"
    rows = read_link_table(tmp_path / "work" / "instances.parquet", KEY).to_pylist()
    assert ("collision", "target_occupied") in [(row["verdict"], row["reason"]) for row in rows]


@pytest.mark.parametrize("size", [0, 100, 9 << 20, 21 << 20])
def test_an_object_appears_whole_or_not_at_all(
    server: Server, bucket: str, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom(1 << 10) * (size >> 10) + bytes(size % 1024)
    uri = f"s3://{bucket}/a/b.dcm"
    with objects.new_file(size) as file:
        file.write(data)
        file.flush()
        whole = os.pread

        def pread(descriptor: int, length: int, offset: int) -> bytes:
            return whole(descriptor, length, offset)[:-1]

        if size:
            with monkeypatch.context() as patch:
                patch.setattr(os, "pread", pread)
                with pytest.raises(OutputError):
                    objects.put(uri, file.fileno())
            assert stored(server, bucket, "a") == {}
        assert objects.put(uri, file.fileno()) == "new"
        assert objects.put(uri, file.fileno()) == "same"
        assert stored(server, bucket, "a") == {"b.dcm": data}
        file.write(b"more")
        file.flush()
        assert objects.put(uri, file.fileno()) == "different"
        assert objects.put(uri, file.fileno(), overwrite=True) == "new"
    assert stored(server, bucket, "a") == {"b.dcm": data + b"more"}


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_to_the_same_objects(
    server: Server, bucket: str, tmp_path: Path, key: Path
) -> None:
    many = some_files(8, 5)
    source = upload(server, bucket, many)
    run(write_files(tmp_path / "in", many), tmp_path / "out", key)
    expected = tree(tmp_path / "out")
    command = [sys.executable, "-m", "fastdeid", "run", source, f"s3://{bucket}/out"]
    command += ["--key", str(key), "--workers", "1", "--pixels", "off"]
    for wanted in (3, 20):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        while len(stored_names(server, bucket)) < wanted and process.poll() is None:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for name, data in stored(server, bucket, "out").items():
            assert expected[name] == data
    # An upload that nobody completes, and a temporary object, are what a kill may leave.
    part = client(server).create_multipart_upload(Bucket=bucket, Key="out/.1.ab.unfinished")
    assert part["UploadId"]
    client(server).put_object(Bucket=bucket, Key="out/.1.cd.unfinished", Body=b"half")
    run(source, f"s3://{bucket}/out", key)
    assert stored(server, bucket, "out") == expected
    assert "Uploads" not in client(server).list_multipart_uploads(Bucket=bucket)


def stored_names(server: Server, bucket: str) -> list[str]:
    found = client(server).list_objects_v2(Bucket=bucket, Prefix="out/")
    return [one["Key"] for one in found.get("Contents", ())]


class AnswersLate(BaseHTTPRequestHandler):
    """A store that is busy: each answer takes longer than the 3 seconds that pyarrow would wait."""

    def do_HEAD(self) -> None:
        """Tell of an object of three bytes."""
        time.sleep(4)
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.send_header("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.slow
def test_a_store_that_is_busy_is_waited_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.environment.keys() <= os.environ.keys()
    with ThreadingHTTPServer(("127.0.0.1", 0), AnswersLate) as late:
        threading.Thread(target=late.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{late.server_port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        objects._store.cache_clear()
        try:
            assert objects.info("s3://bucket/key").size == 3
        finally:
            objects._store.cache_clear()
            late.shutdown()


def test_keys_that_no_request_can_name_are_listed_with_their_reason(
    server: Server, bucket: str, tmp_path: Path, key: Path
) -> None:
    image = a_file(PATIENTS[0], 0, "native")
    source = upload(server, bucket, {"a/b": image, "a//c": image, "a/": b""})
    run(source, tmp_path / "out", key)
    assert verdicts(tmp_path / "out") == {
        "a/b": ("ok", None),
        "a/?": ("unreadable", "unsupported_key"),
    }


def test_what_a_store_reports_is_not_repeated(  # noqa: PLR0917
    server: Server,
    bucket: str,
    tmp_path: Path,
    key: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = ["--key", str(key), "--workers", "0", "--pixels", "off"]
    for source, target, code in [
        (f"s3://{bucket}/Doe^Jane", str(tmp_path / "out"), 5),
        (str(write_files(tmp_path / "in", some_files(1, 1))), "s3://no-bucket-Doe/out", 6),
    ]:
        monkeypatch.setattr(sys, "argv", ["fastdeid", "run", source, target, *given])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == code
        said = capsys.readouterr()
        assert "Doe" not in said.out + said.err
        assert said.err.count("\n") <= 2


@pytest.mark.parametrize(
    "uri", ["s3://", "s3:///key", "s3://id:secret@bucket/a", "s3://b/a?endpoint=x", "s3://b/a/../c"]
)
def test_a_uri_with_secrets_or_without_a_bucket_is_refused(uri: str) -> None:
    with pytest.raises(UsageError) as refused:
        files.resolved(uri)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["gs", "abfss"])
def test_other_stores_are_known_to_pyarrow(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server stands behind these: only that their file system is made, and finds its path."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent")
    bucket = "bucket" if scheme == "gs" else "container@account.dfs.core.windows.net"
    store, path = objects.located(f"{scheme}://{bucket}/a/b c")
    assert store.type_name == {"gs": "gcs", "abfss": "abfs"}[scheme]
    assert path == f"{bucket.partition('@')[0]}/a/b c"


def test_a_table_in_a_store_is_read_by_name(server: Server, bucket: str) -> None:
    import pyarrow as pa

    sink = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), sink)
    objects.put_bytes(f"s3://{bucket}/t.parquet", sink.getvalue())
    with objects.open_input(f"s3://{bucket}/t.parquet") as file:
        assert pq.read_table(file).to_pydict() == {"a": [1]}
