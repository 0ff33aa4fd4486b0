"""Files that only the holder of the key can read: the link table, the plan, the parts.

Tables are encrypted with Parquet modular encryption (AES-GCM, keys of 256 bits): every column, and
the footer, which then tells nothing but the id of the master key. Other files are sealed whole.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Iterable, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fastdeid import objects
from fastdeid.errors import FastdeidError, KeyFileError
from fastdeid.key_service import NONCE_SIZE, AwsKeyService, KeyServices
from fastdeid.manifest import PHI, Table
from fastdeid.pseudonyms import Pseudonyms, derive_key

# What wraps the data keys of a new link table, besides keys of a service.
PROJECT: Final = "project"
PLAIN: Final = "none"
AWS: Final = "aws-kms:"

_ALGORITHM: Final = "AES_GCM_V1"
_KEY_BITS: Final = 256
_MAGIC: Final = b"fastdeid sealed 1\n"


def check_master(master: str) -> None:
    """Raise KeyFileError unless a link table can be encrypted under this: PROJECT, PLAIN, KMS."""
    if master not in {PROJECT, PLAIN} and not master.startswith(AWS):
        raise KeyFileError(f"the link table's key is {PROJECT}, {PLAIN} or {AWS}KEY")


class _Client(pe.KmsClient):  # type: ignore[misc]
    """What pyarrow asks; its answers are text."""

    def __init__(self, services: KeyServices, met: list[str]) -> None:
        super().__init__()
        self._services = services
        self._met = met

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(self._services.wrap(key_bytes, master_key_identifier))

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        if master_key_identifier not in self._met:
            self._met.append(master_key_identifier)
        return self._services.unwrap(base64.b64decode(wrapped_key), master_key_identifier)


class Sealing:
    """Writes and reads encrypted files of one project."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._services = KeyServices(pseudonyms)
        # The ids of the master keys that were asked for, whether or not they are at hand.
        self.met: list[str] = []
        self._factory = pe.CryptoFactory(lambda _: _Client(self._services, self.met))
        self._connection = pe.KmsConnectionConfig()

    # Tables ---------------------------------------------------------------------------------

    def encryption(self, table: Table, names: Sequence[str], master: str = PROJECT) -> Any:
        """Return how a file of a declared table is encrypted; None for PLAIN.

        names: of the columns that will be written. Raises FastdeidError when a column that is PHI,
        or that nobody has declared, would be left readable.
        """
        if master == PLAIN:
            return None
        listed = [column.name for column in table.columns]
        properties = self.encrypt_columns(listed, master)
        assert_encrypted(table, names, listed)
        return properties

    def encrypt_columns(self, names: Sequence[str], master: str = PROJECT) -> Any:
        """Return how a file with these columns is encrypted: all of them, and the footer."""
        master_id = self._services.project.new_master()
        if master != PROJECT:
            master_id = AwsKeyService.master(master.removeprefix(AWS))
        configuration = pe.EncryptionConfiguration(
            footer_key=master_id,
            column_keys={master_id: list(names)},
            encryption_algorithm=_ALGORITHM,
            data_key_length_bits=_KEY_BITS,
        )
        return self._factory.file_encryption_properties(self._connection, configuration)

    def decryption(self) -> Any:
        """Return how one file is read; a file that is not encrypted is read as it is."""
        return self._factory.file_decryption_properties(self._connection)

    def read_table(self, path: str, columns: list[str] | None = None) -> pa.Table:
        """Return a table; raises what `pyarrow.parquet.read_table` does, and KeyFileError."""
        with self.parquet_file(path) as file:
            return file.read(columns=columns)

    def parquet_file(self, path: str, *, memory_map: bool = False) -> pq.ParquetFile:
        """Open a table; raises what `pyarrow.parquet.ParquetFile` does, and KeyFileError."""
        remote = objects.is_remote(path)
        return pq.ParquetFile(
            objects.open_input(path) if remote else path,
            decryption_properties=self.decryption(),
            memory_map=memory_map and not remote,
        )

    def data_set(self, path: str) -> ds.Dataset:
        """Open a table as a data set of pyarrow, which DuckDB and Polars read.

        Raises what `pyarrow.dataset.dataset` does, and KeyFileError.
        """
        configuration = ds.ParquetDecryptionConfig(
            self._factory, self._connection, pe.DecryptionConfiguration()
        )
        options = ds.ParquetFragmentScanOptions(decryption_config=configuration)
        store, place = objects.located(path) if objects.is_remote(path) else (None, path)
        layout = ds.ParquetFileFormat(default_fragment_scan_options=options)
        return ds.dataset(place, filesystem=store, format=layout)

    # Other files ----------------------------------------------------------------------------

    def seal(self, content: bytes | pa.Buffer, name: str) -> bytes:
        """Return content encrypted under the project key, to be opened under the same name."""
        nonce = secrets.token_bytes(NONCE_SIZE)
        view = memoryview(content).cast("B")
        return _MAGIC + nonce + self._cipher().encrypt(nonce, view, name.encode())

    def unseal(self, sealed: bytes, name: str) -> bytes:
        """Return what was sealed. Raises ValueError when it was not, or not with this key."""
        head = len(_MAGIC) + NONCE_SIZE
        if not sealed.startswith(_MAGIC) or len(sealed) < head:
            raise ValueError("not sealed")
        try:
            view = memoryview(sealed)
            nonce = bytes(view[len(_MAGIC) : head])
            return bytes(self._cipher().decrypt(nonce, view[head:], name.encode()))
        except InvalidTag:
            raise ValueError("sealed with another key, or changed") from None

    def _cipher(self) -> AESGCM:
        return AESGCM(derive_key(self._pseudonyms.sealing_key, "work"))


def assert_encrypted(table: Table, names: Iterable[str], listed: Iterable[str]) -> None:
    """Raise FastdeidError unless all columns that are PHI or undeclared are listed."""
    disclosure = {column.name: column.disclosure for column in table.columns}
    open_to_all = {name for name in names if disclosure.get(name, PHI) == PHI} - set(listed)
    if open_to_all:
        raise FastdeidError(f"columns would not be encrypted: {', '.join(sorted(open_to_all))}")


def is_encrypted(path: str | os.PathLike[str]) -> bool:
    """Whether a Parquet file has an encrypted footer."""
    with objects.as_local(os.fspath(path)) as local, open(local, "rb") as file:
        return file.read(4) == b"PARE"
