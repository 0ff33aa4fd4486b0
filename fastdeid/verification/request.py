"""What is asked of a verification, and the finished run that it is about."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from fastdeid import files
from fastdeid.errors import InputError, KeyFileError, ProfileError, UsageError
from fastdeid.folders import require_source
from fastdeid.keys import read_key
from fastdeid.objects import is_remote
from fastdeid.pixels import ocr
from fastdeid.project import pseudonyms_of
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import Profile, load_profile
from fastdeid.sealing import Sealing
from fastdeid.verification import dciodvfy
from fastdeid.verification.release import Release
from fastdeid.verification.tasks import Setup, Task
from fastdeid.workspace import SETTINGS_FILE, Workspace

# Opening and reading a file takes about as long as searching so many bytes.
_COST_PER_FILE = 1 << 18


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a verification; paths as the user gives them.

    source: the folder or archive that was de-identified, "" for no comparison. sample: see
    `choose`, "" for all outputs. profile, crosswalk: where these files of the run are now, "" where
    they were. dciodvfy: ask it, where it is installed and there is a source. ocr: read text in
    pixels.
    """

    target: str
    link_table: str
    key: str
    source: str = ""
    sample: str = ""
    profile: str = ""
    crosswalk: str = ""
    dciodvfy: bool = True
    ocr: bool = False


def absolute(request: Request) -> Request:
    """Return a request with absolute paths, for processes that start elsewhere."""
    given = msgspec.structs.asdict(request)
    paths = ("target", "link_table", "key", "source", "crosswalk")
    named = {name: files.absolute(given[name]) for name in paths if given[name]}
    if os.path.isfile(request.profile):
        named["profile"] = os.path.abspath(request.profile)
    return msgspec.structs.replace(request, **named)


class Opened(NamedTuple):
    """A finished run, ready to be verified. chosen: one bool for each of its outputs."""

    setup: Setup
    profile: Profile
    pseudonyms: Pseudonyms
    release: Release
    chosen: list[bool]

    def tasks(self, share: range | None = None) -> Iterator[Task]:
        """Yield the tasks of the outputs that were chosen, of all or of a share of them."""
        chosen = self.chosen
        if share is not None:
            chosen = [one and row in share for row, one in enumerate(chosen)]
        return self.release.tasks(chosen)

    def share(self, number: int, of: int) -> range:
        """Return the outputs of one of so many parts of about equal cost.

        number: 0 to of - 1. The parts are the same on every machine, and hold every output once.
        They consist of whole tasks: what is searched for in an output depends on its task.
        """
        starts = np.array(self.release.task_starts(self.chosen), np.int64)
        sizes = self.release.outputs.column("output_size").to_numpy()
        costs = (sizes + _COST_PER_FILE) * np.array(self.chosen, np.int64)
        ends = np.append(starts, len(sizes))
        before = np.append(0, np.cumsum(costs))[ends]
        middles = (before[:-1] + before[1:]) // 2
        parts = np.minimum(middles * of // max(int(costs.sum()), 1), of - 1)
        first, after = np.searchsorted(parts, [number, number + 1])
        return range(int(ends[first]), int(ends[after]))


def open_release(request: Request) -> Opened:
    """Read the tables of the run that a request is about.

    Raises UsageError, InputError, ProfileError, KeyFileError, see errors.py.
    """
    if request.ocr and not ocr.is_installed():
        raise ocr.OcrMissingError
    folder, links = files.resolved(request.target), files.resolved(request.link_table)
    if not is_remote(folder) and not os.path.isdir(folder):
        raise UsageError("TARGET is not a folder")
    if request.source:
        if not files.exists(request.source):
            raise UsageError("SOURCE is not there")
        require_source(files.resolved(request.source))
    secret = read_key(request.key)
    workspace = Workspace(os.path.join(links, "work"))
    if not workspace.has(SETTINGS_FILE):
        raise InputError("there is no link table of a run: --link-table DIR")
    settings = workspace.settings
    if Pseudonyms(secret).key_id != settings.key_id:
        raise KeyFileError("this release was made with another project key")
    moved = os.path.realpath(request.crosswalk) if request.crosswalk else ""
    pseudonyms = pseudonyms_of(settings, secret, moved)
    named = request.profile or settings.profile
    profile = load_profile(named)
    if profile.digest != settings.profile_digest:
        made = f"version {settings.profile_version}, fastdeid {settings.fastdeid_version}"
        raise ProfileError(f"the profile is not the one that this release was made with ({made})")
    release = Release(folder, links, profile.registry, Sealing(pseudonyms))
    setup = Setup(
        target=folder,
        source=files.resolved(request.source) if request.source else "",
        profile=named,
        key=secret,
        dciodvfy=request.dciodvfy and bool(request.source) and dciodvfy.is_installed(),
        everybody=release.everybody(),
        ocr=request.ocr,
    )
    paths = release.outputs.column("output_path").to_pylist()
    return Opened(setup, profile, pseudonyms, release, choose(paths, request.sample))


def choose(paths: Sequence[str], sample: str | float | None) -> list[bool]:
    """Return which outputs are verified: the same ones whenever the same sample is asked for.

    sample: a number of outputs, a share below 1 or with "%", nothing for all. Raises UsageError for
    anything else.
    """
    if sample is None or sample == "":
        return [True] * len(paths)
    try:
        size = float(str(sample).removesuffix("%")) / (100 if str(sample).endswith("%") else 1)
    except ValueError:
        raise UsageError("--sample takes a number of files, or a share such as 0.1") from None
    if not 0 < size < float("inf"):
        raise UsageError("--sample takes a number of files, or a share such as 0.1")
    number = round(size) if size >= 1 and not str(sample).endswith("%") else size * len(paths)
    order = sorted(
        range(len(paths)),
        key=lambda row: hashlib.md5(paths[row].encode(), usedforsecurity=False).digest(),
    )
    taken = set(order[: max(1, round(number))])
    return [row in taken for row in range(len(paths))]
