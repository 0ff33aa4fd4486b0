"""Who wraps the keys of the link table: the project key, or a key management service.

Every file of the link table is encrypted with random data keys. These are wrapped by a master key,
whose id stands in the file's footer; whoever may unwrap them may read the file.
"""

from __future__ import annotations

import secrets
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fastdeid.errors import KeyFileError
from fastdeid.pseudonyms import Pseudonyms, derive_key

# Parts of an id are parted by slashes: pyarrow takes no colon, and what has one is quoted.
PROJECT_PREFIX: Final = "fastdeid/"
AWS_PREFIX: Final = "aws-kms/"
NONCE_SIZE: Final = 12  # bytes, NIST SP 800-38D section 8.2


class KeyService(Protocol):
    """Wraps and unwraps data keys under master keys that it holds."""

    def wrap(self, key: bytes, master_id: str) -> bytes:
        """Return a data key, encrypted under a master key. Raises KeyFileError."""

    def unwrap(self, wrapped: bytes, master_id: str) -> bytes:
        """Return what `wrap` was given. Raises KeyFileError."""


class ProjectKeyService:
    """Master keys derived from the project key, one per id: AES-256-GCM.

    An id is `fastdeid/`, the public id of the project key, and a random name.
    """

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._secret = pseudonyms.sealing_key
        self.key_id = pseudonyms.key_id

    def new_master(self) -> str:
        """Return the id of a master key that nothing was wrapped with."""
        return f"{PROJECT_PREFIX}{self.key_id}/{secrets.token_hex(8)}"

    def wrap(self, key: bytes, master_id: str) -> bytes:
        """Return a data key, encrypted under a master key."""
        nonce = secrets.token_bytes(NONCE_SIZE)
        return nonce + self._cipher(master_id).encrypt(nonce, key, master_id.encode())

    def unwrap(self, wrapped: bytes, master_id: str) -> bytes:
        """Return what `wrap` was given."""
        if master_id.split("/")[1:2] != [self.key_id]:
            raise KeyFileError("the link table was made with another project key")
        nonce, sealed = wrapped[:NONCE_SIZE], wrapped[NONCE_SIZE:]
        try:
            return bytes(self._cipher(master_id).decrypt(nonce, sealed, master_id.encode()))
        except (InvalidTag, ValueError):
            raise KeyFileError("the keys of the link table have been changed") from None

    def _cipher(self, master_id: str) -> AESGCM:
        return AESGCM(derive_key(self._secret, master_id))


class AwsKeyService:
    """Master keys of AWS KMS, or of any server that speaks its protocol (Encrypt, Decrypt).

    An id is `aws-kms/` and a key id, alias or ARN, quoted as in a URL. Region,
    credentials and another endpoint come from where the AWS tools look for them, such as
    AWS_ENDPOINT_URL_KMS. Needs `fastdeid[kms]`.
    """

    def __init__(self) -> None:
        self._connected: Any = None

    @staticmethod
    def master(name: str) -> str:
        """Return the id of a master key by its name."""
        return AWS_PREFIX + quote(name, safe="")

    def wrap(self, key: bytes, master_id: str) -> bytes:
        """Return a data key, encrypted under a master key."""
        name = unquote(master_id.removeprefix(AWS_PREFIX))
        return bytes(self._ask("encrypt", KeyId=name, Plaintext=key)["CiphertextBlob"])

    def unwrap(self, wrapped: bytes, master_id: str) -> bytes:
        """Return what `wrap` was given."""
        name = unquote(master_id.removeprefix(AWS_PREFIX))
        return bytes(self._ask("decrypt", KeyId=name, CiphertextBlob=wrapped)["Plaintext"])

    def _ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        client = self._client()
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(client, what)(**arguments)
        except (BotoCoreError, ClientError) as error:
            code = ""
            if isinstance(error, ClientError):
                code = error.response.get("Error", {}).get("Code", "")
            raise KeyFileError(
                f"the key management service refuses: {code or type(error).__name__}"
            ) from None
        return answer

    def _client(self) -> Any:
        if self._connected is None:
            try:
                import boto3
                from botocore.exceptions import BotoCoreError
            except ImportError:
                raise KeyFileError("keys of AWS KMS need: pip install fastdeid[kms]") from None
            try:
                self._connected = boto3.client("kms")
            except BotoCoreError as error:
                raise KeyFileError(
                    f"the key management service is not configured: {type(error).__name__}"
                ) from None
        return self._connected


class KeyServices:
    """All services; the beginning of a master key's id says which one holds it."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self.project = ProjectKeyService(pseudonyms)
        self._aws = AwsKeyService()

    def wrap(self, key: bytes, master_id: str) -> bytes:
        """Return a data key, encrypted under a master key."""
        return self._holder(master_id).wrap(key, master_id)

    def unwrap(self, wrapped: bytes, master_id: str) -> bytes:
        """Return what `wrap` was given."""
        return self._holder(master_id).unwrap(wrapped, master_id)

    def _holder(self, master_id: str) -> KeyService:
        if master_id.startswith(PROJECT_PREFIX):
            return self.project
        if master_id.startswith(AWS_PREFIX):
            return self._aws
        raise KeyFileError("the link table's key is held by a service unknown to this version")
