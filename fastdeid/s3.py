"""What pyarrow does not ask of S3: to put where nothing stands, and to end uploads of the dead.

Both take boto3 (`pip install 'fastdeid[s3]'`) and go without where it is not installed. Nothing
here repeats what a store says.
"""

from __future__ import annotations

import os
import threading
from functools import cached_property
from typing import Any, Final

ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
# Threads of a worker that put at once, see `deidentify`.
_CONNECTIONS: Final = 32
_STANDS: Final = frozenset({"PreconditionFailed", "412"})
_BUSY: Final = frozenset({"ConditionalRequestConflict", "OperationAborted", "409"})
_UNKNOWN: Final = frozenset({"NotImplemented", "501", "InvalidArgument", "InvalidRequest"})
_TRIES: Final = 5


def setting(names: tuple[str, ...], default: str | None = None) -> str | None:
    """Return the first of some environment variables that is set."""
    return next((os.environ[name] for name in names if os.environ.get(name)), default)


class ConditionalPuts:
    """Puts of one process that never replace an object (If-None-Match: *).

    is_kept: whether the store has been seen to keep its word; one that does not know the condition
    may put all the same, and the caller has to look first.
    """

    def __init__(self) -> None:
        self.is_kept = False
        self._is_known = True
        self._lock = threading.Lock()

    def put(self, bucket: str, key: str, data: bytes) -> bool | None:
        """Put an object; False: one stands there and is untouched. None: it cannot be asked.

        Raises OSError.
        """
        if not self._is_known:
            return None
        with self._lock:
            client = self._client
        if client is None:
            return None
        done = _put(client, bucket, key, data)
        if done is None:
            self._is_known = False
        elif done is False:
            self.is_kept = True
        elif not self.is_kept:
            # Where the condition is not kept, this puts the same bytes once more.
            self.is_kept = _put(client, bucket, key, data) is False
            self._is_known = self.is_kept
        return done

    @cached_property
    def _client(self) -> Any:
        try:
            return client_of(_CONNECTIONS)
        except ImportError:
            return None


_PUTS: Final[dict[str | None, ConditionalPuts]] = {}
_LOCK: Final = threading.Lock()


def conditional_puts() -> ConditionalPuts:
    """Return those of this process for the server that the environment names."""
    with _LOCK:
        return _PUTS.setdefault(setting(ENDPOINTS), ConditionalPuts())


def client_of(connections: int = 1) -> Any:
    """Return boto3's client of the server that the environment names. Raises ImportError."""
    import boto3
    from botocore.config import Config

    endpoint = setting(ENDPOINTS)
    # Names of buckets in the path, and no checksums that only newer servers know: as pyarrow does.
    path = {"addressing_style": "path"} if endpoint else None
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=setting(REGIONS, "us-east-1" if endpoint else None),
        config=Config(
            max_pool_connections=connections, request_checksum_calculation="when_required", s3=path
        ),
    )


def _put(client: Any, bucket: str, key: str, data: bytes) -> bool | None:
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        ParamValidationError,
    )

    for _ in range(_TRIES):
        try:
            client.put_object(Bucket=bucket, Key=key, Body=data, IfNoneMatch="*")
        except (ParamValidationError, NoCredentialsError):
            return None
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            if code in _STANDS:
                return False
            if code in _UNKNOWN:
                return None
            if code not in _BUSY:
                raise OSError("the object store reports an error") from None
        except BotoCoreError:
            raise OSError("the object store reports an error") from None
        else:
            return True
    raise OSError("the object store reports an error")


def sweep_uploads(bucket: str, key: str) -> None:
    """Abort the uploads in several parts below a prefix that nobody has completed."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return
    prefix = f"{key}/" if key else ""
    try:
        client = client_of()
        pages = client.get_paginator("list_multipart_uploads")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for upload in page.get("Uploads", ()):
                client.abort_multipart_upload(
                    Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )
    except (BotoCoreError, ClientError):
        # Not every key may list uploads; docs/storage.md tells of the rule for the bucket.
        return
