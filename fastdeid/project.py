"""The pseudonyms of a run: of its key alone, or with the site's own names of patients."""

from __future__ import annotations

import os
from typing import Final

import msgspec

from fastdeid.errors import UsageError
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.workspace import Settings

_CHANGED: Final = "the crosswalk is not the one that this run was started with"


class SiteNames(msgspec.Struct, frozen=True):
    """A crosswalk as a run is given it.

    file: CSV or Parquet, see `crosswalk.read_crosswalk`. shared_subjects: several original IDs may
    be one subject.
    """

    file: str
    shared_subjects: bool = False

    def read(self, key: bytes) -> tuple[Pseudonyms, str]:
        """Return the pseudonyms under a project key, and the digest of the crosswalk.

        Raises UsageError for a table that is refused, InputError for one that cannot be read.
        """
        from fastdeid.crosswalk import CrosswalkPseudonyms, read_crosswalk

        crosswalk = read_crosswalk(self.file, shared_subjects=self.shared_subjects)
        return CrosswalkPseudonyms(key, crosswalk), crosswalk.digest


def site_names(
    file: str | os.PathLike[str] | None, *, shared_subjects: bool = False
) -> SiteNames | None:
    """Return the site's names as the user gives them, None for none.

    Raises UsageError for shared subjects without a crosswalk.
    """
    if file is None:
        if shared_subjects:
            raise UsageError("--shared-subjects is about --crosswalk, and there is none")
        return None
    return SiteNames(os.path.realpath(file), shared_subjects)


def pseudonyms_of(settings: Settings, key: bytes, moved: str = "") -> Pseudonyms:
    """Return the pseudonyms of a run.

    key: the project key. moved: where the run's crosswalk is now, "" where it was.

    Raises UsageError when the crosswalk has changed, InputError when it cannot be read.
    """
    if not settings.crosswalk:
        if moved:
            raise UsageError("the run had no crosswalk")
        return Pseudonyms(key)
    given = SiteNames(moved or settings.crosswalk, settings.shared_subjects)
    pseudonyms, digest = given.read(key)
    if digest != settings.crosswalk_digest:
        raise UsageError(_CHANGED)
    return pseudonyms
