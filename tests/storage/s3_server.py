"""A real S3 server in a process of its own: moto's, with nothing in it."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

_COLOUR = re.compile(r"\x1b\[\d+m")
# Two more than nothing: the server asks for a signature and does not check it.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@dataclass
class Server:
    """A server that runs. log: of its requests."""

    endpoint: str
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        """Variables for processes that use it."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL_S3": self.endpoint}

    @cached_property
    def client(self) -> Any:
        """A client of another make."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def requests(self) -> list[str]:
        """Return the requests so far: METHOD /bucket/key?query."""
        lines = _COLOUR.sub("", self.log.read_text(errors="replace")).splitlines()
        return [
            line.split('"')[1].removesuffix(" HTTP/1.1") for line in lines if " HTTP/1.1" in line
        ]


@contextlib.contextmanager
def running(log: Path) -> Iterator[Server]:
    """Run a server on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "dumb"}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=file,
            stderr=file,
            env=environment,
        )
        try:
            endpoint = f"http://127.0.0.1:{port}"
            _wait(endpoint, process)
            server = Server(endpoint, log)
            yield server
            server.client.close()
        finally:
            process.kill()
            process.wait()


def _wait(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, "the server has ended"
        try:
            urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=5).close()
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(0.1)
            continue
        return
    raise AssertionError("the server does not answer")
