"""What `import fastdeid` offers: the same as the commands, as functions.

They are loaded when they are first used. Errors are those of `fastdeid.errors`.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
import weakref
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from fastdeid.link_table import LinkTable, open_link_table
from fastdeid.manifest import PSEUDONYM_FIELDS

if TYPE_CHECKING:
    from fastdeid.engines.verifying import Verification
    from fastdeid.summary import Summary

__all__ = ["LinkTable", "Result", "convert", "deidentify", "open_link_table", "verify"]

PathLike = str | os.PathLike[str]

_MEMORY: Final = "/dev/shm"  # noqa: S108 - for a folder of mode 0700, so that no PHI is on a disk


class Result(msgspec.Struct, frozen=True):
    """What became of one file.

    verdict: ok, review (look at what was masked), quarantined, not_dicom, dicomdir or unreadable.
    reason: one word, "" when ok. tag, offset: 0xGGGGEEEE and byte of the input concerned, 0 and -1
    when none. data: the de-identified file, b"" where there is none. path: where a run would put it
    below TARGET. pseudonyms: patient, accession_number and UIDs of the output, by the names of the
    research manifest. date_offset: the patient's, in days (PHI).
    """

    verdict: str
    reason: str = ""
    tag: int = 0
    offset: int = -1
    data: bytes = b""
    path: str = ""
    pseudonyms: dict[str, str] = {}
    date_offset: int = 0

    @property
    def ok(self) -> bool:
        """Whether there is an output."""
        return self.verdict in {"ok", "review"}


def deidentify(
    data: bytes,
    profile: str = "basic",
    key: PathLike | bytes = b"",
    *,
    crosswalk: PathLike | None = None,
    pixels: str = "examine",
) -> Result:
    """De-identify the bytes of one DICOM file, as a run does with each of its files.

    data: of a whole file (PS3.10). profile: name or path. key: the project key, its file or its 32
    bytes. crosswalk: table of the site's own pseudonyms, see `fastdeid link --help`. pixels:
    "examine", "regions" or "off", see `convert`.

    Bad input is a result, never an error. Raises ProfileError, KeyFileError, UsageError.

    >>> import io, pathlib, pydicom, pydicom.data, fastdeid
    >>> data = pathlib.Path(pydicom.data.get_testdata_file("CT_small.dcm")).read_bytes()
    >>> result = fastdeid.deidentify(data, profile="basic", key=bytes(range(32)))
    >>> result.verdict
    'ok'
    >>> output = pydicom.dcmread(io.BytesIO(result.data))
    >>> output.PatientID == result.pseudonyms["patient"]
    True
    >>> fastdeid.deidentify(b"not DICOM", key=bytes(range(32))).verdict
    'not_dicom'
    """
    from fastdeid.pixels.modes import check_mode
    from fastdeid.settings import read_settings

    stamp = "" if crosswalk is None else _stamp(crosswalk)
    place = None if crosswalk is None else os.fspath(crosswalk)
    settings = (profile, read_settings(profile).digest, check_mode(pixels))
    one = _one_by_one(*settings, _secret(key), place, stamp)
    return one.process(data)


def convert(
    source: PathLike,
    target: PathLike,
    *,
    key: PathLike,
    profile: str = "basic",
    link_table: PathLike | None = None,
    crosswalk: PathLike | None = None,
    workers: int | None = None,
    pixels: str = "examine",
) -> Summary:
    """De-identify the folder tree SOURCE into TARGET: `fastdeid run`.

    key: the project key's file. profile: name or path. link_table: folder of the link table, by
    default beside TARGET. crosswalk: table of the site's own pseudonyms, see docs/linkage.md.
    workers: processes, 0 for none but this one, None for one per CPU. In a script, other numbers
    than 0 need the guard `if __name__ == "__main__"`. pixels: "examine" every frame for text and
    mask it, "regions" masks only what rules say of devices, "off" copies.

    An interrupted run goes on with the same call. Raises UsageError, InputError, OutputError,
    ProfileError, KeyFileError.

    >>> import os, shutil, tempfile, fastdeid
    >>> from fastdeid.keys import write_key
    >>> from pydicom.data import get_testdata_file
    >>> folder = tempfile.mkdtemp()
    >>> names = ("source", "target", "PROJECT.key")
    >>> source, target, key = (os.path.join(folder, name) for name in names)
    >>> os.mkdir(source)
    >>> image = shutil.copy(get_testdata_file("CT_small.dcm"), source)
    >>> write_key(key)
    >>> fastdeid.convert(source, target, key=key, workers=0).verdicts["ok"]
    1
    >>> shutil.rmtree(folder)
    """
    from fastdeid.engines import local

    return local.run(
        source,
        target,
        key=key,
        profile=profile,
        link_table=link_table,
        crosswalk=crosswalk,
        workers=workers,
        pixels=pixels,
    )


def verify(
    target: PathLike,
    *,
    key: PathLike,
    link_table: PathLike | None = None,
    source: PathLike | None = None,
    sample: str | float | None = None,
    workers: int | None = None,
    profile: str | None = None,
    crosswalk: PathLike | None = None,
) -> Verification:
    """Prove that a release holds no original: `fastdeid verify`.

    target, key, link_table: as in the run. source: the folder that was de-identified, to compare
    with. sample: a number of outputs, or a share below 1. workers: as in `convert`. profile,
    crosswalk: where these files of the run are now, where they have moved.

    Raises UsageError, InputError, ProfileError, KeyFileError.

    >>> import os, pathlib, shutil, tempfile, fastdeid
    >>> from fastdeid.keys import write_key
    >>> from pydicom.data import get_testdata_file
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> source, target, key = (folder / name for name in ("source", "target", "PROJECT.key"))
    >>> source.mkdir()
    >>> image = shutil.copy(get_testdata_file("CT_small.dcm"), source)
    >>> write_key(key)
    >>> done = fastdeid.convert(source, target, key=key, workers=0)
    >>> proof = fastdeid.verify(target, key=key, source=source, workers=0)
    >>> proof.findings, proof.verified
    ([], 1)

    What does not belong to the release is found:

    >>> (target / "notes.txt").write_text("of 1CT1")
    7
    >>> [finding.kind for finding in fastdeid.verify(target, key=key, workers=0).findings]
    ['unknown_file']
    >>> shutil.rmtree(folder)
    """
    from fastdeid.engines import verifying

    return verifying.verify(
        target,
        link_table=link_table,
        key=key,
        source=source,
        sample=sample,
        workers=workers,
        profile=profile,
        crosswalk=crosswalk,
    )


# One file after the other --------------------------------------------------------------------


class _OneByOne:
    """A de-identifier with a folder in memory for the file at hand."""

    def __init__(self, profile: str, pixels: str, key: bytes, crosswalk: str | None) -> None:
        from fastdeid.deidentify import Deidentifier
        from fastdeid.errors import ProfileError
        from fastdeid.pixels.modes import PixelMode
        from fastdeid.pseudonyms import Pseudonyms
        from fastdeid.rules import load_profile

        compiled = load_profile(profile)
        if compiled.settings.pseudonyms != "keyed":
            raise ProfileError("random pseudonyms are drawn for a whole run: use `convert`")
        pseudonyms = Pseudonyms(key)
        if crosswalk is not None:
            from fastdeid.crosswalk import CrosswalkPseudonyms, read_crosswalk

            pseudonyms = CrosswalkPseudonyms(key, read_crosswalk(crosswalk))
        inside = _MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else None
        self._folder = tempfile.TemporaryDirectory(prefix="fastdeid.", dir=inside)
        self._deidentifier = Deidentifier(
            compiled, pseudonyms, self._folder.name, pixels=PixelMode(pixels)
        )
        # Who is forgotten by `_one_by_one` leaves nothing behind.
        weakref.finalize(self, self._folder.cleanup)
        weakref.finalize(self, self._deidentifier.close)
        # The de-identifier has one file at hand at a time.
        self._lock = threading.Lock()

    def process(self, data: bytes) -> Result:
        with self._lock:
            return self._process(data)

    def _process(self, data: bytes) -> Result:
        source = os.path.join(self._folder.name, f"{secrets.token_hex(8)}.input")
        try:
            descriptor = os.open(source, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            outcome = self._deidentifier.process(os.fsencode(source), overwrite=True)
        finally:
            os.unlink(source)
        if not outcome.path:
            return Result(outcome.verdict.value, outcome.reason, outcome.tag, outcome.offset)
        path = os.path.join(self._folder.name, outcome.path)
        try:
            with open(path, "rb") as written:
                output = written.read()
        finally:
            os.unlink(path)
        return Result(
            verdict=outcome.verdict.value,
            data=output,
            path=outcome.path,
            pseudonyms=dict(zip(PSEUDONYM_FIELDS, outcome.pseudonyms, strict=True)),
            date_offset=outcome.shared.date_offset,
        )


@lru_cache(maxsize=4)
def _one_by_one(
    profile: str, _digest: str, pixels: str, key: bytes, crosswalk: str | None, _stamp: str
) -> _OneByOne:
    """Return what de-identifies under these; _digest and _stamp tell changed files apart."""
    return _OneByOne(profile, pixels, key, crosswalk)


def _secret(key: PathLike | bytes) -> bytes:
    from fastdeid.errors import KeyFileError
    from fastdeid.keys import KEY_SIZE, read_key

    if not isinstance(key, bytes):
        return read_key(key)
    if len(key) != KEY_SIZE:
        raise KeyFileError(f"a project key is needed: a file, or {KEY_SIZE} bytes")
    return key


def _stamp(path: PathLike) -> str:
    from fastdeid.errors import InputError

    try:
        status = os.stat(path)
    except OSError:
        raise InputError("there is no such crosswalk") from None
    return f"{status.st_mtime_ns} {status.st_size} {status.st_ino}"
