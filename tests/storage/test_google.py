"""A run in Google's store: gcp-storage-emulator, a server in a process of its own."""

from __future__ import annotations

import datetime as dt
import importlib.util
import io
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pyarrow import fs

from fastdeid import files, objects
from fastdeid.engines import local
from tests.conversion.archive import KEY, tree, write_key
from tests.storage.packing import files as some_files
from tests.storage.packing import write_files

pytestmark = [
    pytest.mark.jit,
    pytest.mark.skipif(
        importlib.util.find_spec("gcp_storage_emulator") is None
        or not hasattr(fs, "GcsFileSystem"),
        reason="gcp-storage-emulator is not installed",
    ),
]
# One request at a time: an object of which only the start is read would block the server.
_SERVE = (
    "import http.server as server; server.HTTPServer = server.ThreadingHTTPServer; "
    "from gcp_storage_emulator.__main__ import main; main()"
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Run a server with a bucket named archive; return pyarrow's way to it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--host=127.0.0.1", f"--port={port}", "--in-memory", "--default-bucket=archive"]
    with (tmp_path_factory.mktemp("server") / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, "start", *options], stdout=log, stderr=log
        )
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield fs.GcsFileSystem(
            anonymous=True,
            scheme="http",
            endpoint_override=f"127.0.0.1:{port}",
            retry_time_limit=dt.timedelta(seconds=20),
        )
    finally:
        process.kill()
        process.wait()


def with_pixels(content: bytes, side: int) -> bytes:
    """Return an instance with a frame of 16 bits, black."""
    data = pydicom.dcmread(io.BytesIO(content), force=True)
    data.Rows = data.Columns = side
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.SamplesPerPixel, data.PixelRepresentation = 1, 0
    data.PhotometricInterpretation = "MONOCHROME2"
    data.add_new("PixelData", "OW", bytes(2 * side * side))
    written = io.BytesIO()
    data.save_as(written)
    return written.getvalue()


def test_a_run_from_store_to_store_leaves_what_a_run_on_files_leaves(
    store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_store", lambda _, bucket: (store, bucket))
    content = dict(some_files(2, 2))
    # Longer than what is put at once, and than what is read of an object at first.
    name = min(content)
    content[name] = with_pixels(content[name], 2200)
    key = write_key(tmp_path / "P.key", KEY)
    given: Any = {"key": key, "workers": 0, "pixels": "off", "sync": False}
    local.run(write_files(tmp_path / "in", content), tmp_path / "out", **given)
    for name, data in content.items():
        with objects.new_file(len(data)) as file:
            file.write(data)
            file.flush()
            objects.put(f"gs://archive/in/{name}", file.fileno())
    local.run("gs://archive/in", "gs://archive/out", **given)
    target = "gs://archive/out"
    found = {name: files.read(f"{target}/{name}") for name, _ in files.sizes(target)}
    expected = tree(tmp_path / "out")
    assert found.keys() == expected.keys()
    assert found == expected
    # The same call finds all of it there.
    assert local.run("gs://archive/in", target, **given).state == "unchanged"
