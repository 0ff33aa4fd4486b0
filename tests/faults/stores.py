"""A ground in an object store: a real S3 server, in a process of its own, that nobody kills."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from tests.faults.ground import Ground, link_table
from tests.faults.sources import shows
from tests.storage.s3_server import Server

_BUCKET: Final = "ground"
_UNFINISHED: Final = re.compile(r"/\.\d+\.[0-9a-f]{16}\.unfinished$")


class StoreGround(Ground):
    """SOURCE, TARGET and link table stand in a bucket; compared is with a run on files.

    This process itself must not use the client that runs use: its threads do not survive a fork.
    """

    _is_there = False

    def __init__(self, folder: Path, server: Server, **options: Any) -> None:
        self._server = server
        os.environ.update(server.environment)
        super().__init__(folder, **options)
        self._client = server.client
        self._client.create_bucket(Bucket=_BUCKET)
        for path in self.source.rglob("*"):
            if path.is_file():
                key = f"in/{path.relative_to(self.source)}"
                self._client.put_object(Bucket=_BUCKET, Key=key, Body=path.read_bytes())
        self._is_there = True
        began, target = time.monotonic(), self.target()
        self.run(target)
        self.seconds = time.monotonic() - began
        self.remove(target)

    def places(self, target: Path) -> tuple[str, str]:
        """Return SOURCE and TARGET as a run is to be given them."""
        if not self._is_there:
            return super().places(target)
        return f"s3://{_BUCKET}/in", f"s3://{_BUCKET}/{target.name}"

    def left(self, target: Path) -> Path:
        """Fetch what stands below a target and its link table, as one listing tells of it."""
        for folder in (target, link_table(target)):
            shutil.rmtree(folder, ignore_errors=True)
        for key in self._keys(target.name):
            path = self.folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            body = self._client.get_object(Bucket=_BUCKET, Key=key)["Body"]
            path.write_bytes(body.read())
        return target

    def _keys(self, prefix: str) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=_BUCKET, Prefix=prefix)
        keys = [one["Key"] for page in listed for one in page.get("Contents", ())]
        of_this = re.compile(re.escape(prefix) + r"(\.link-table)?/.*[^/]$")
        return [key for key in keys if of_this.match(key)]

    def faults_after_the_end(self, target: Path, code: int) -> list[str]:
        """Return what is wrong with a run that says that it has come to its end."""
        wrong = super().faults_after_the_end(target, code)
        uploads = self._client.list_multipart_uploads(Bucket=_BUCKET).get("Uploads", ())
        return wrong + [f"an open upload: {_UNFINISHED.sub('/*', one['Key'])}" for one in uploads]

    def _shown(self, target: Path) -> list[str]:
        """Return where the canary can be read without the key; SOURCE is named by its keys."""
        asked = {unquote(one) for one in self._server.requests() if f"/{_BUCKET}/in/" not in one}
        named = [one for one in asked if shows(one.encode()) and "prefix=in" not in one]
        return super()._shown(target) + [f"a request names a value: {len(named)}"] * bool(named)

    def remove(self, target: Path) -> None:
        """Remove objects, the copies of them, and what was said."""
        for key in self._keys(target.name):
            self._client.delete_object(Bucket=_BUCKET, Key=key)
        super().remove(target)
