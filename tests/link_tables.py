"""Tables of a run as its key's holder reads them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from fastdeid.keys import read_key
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.sealing import Sealing


def read_link_table(path: Path, key: bytes | Path) -> pa.Table:
    """Return a table of a link table. key: the project key, its file or its 32 bytes."""
    secret = key if isinstance(key, bytes) else read_key(key)
    return Sealing(Pseudonyms(secret)).read_table(str(path))
