"""`fastdeid report`: read the figures, write the page."""

from __future__ import annotations

import os
from typing import Final

from fastdeid import files
from fastdeid.errors import OutputError, ProfileError, UsageError
from fastdeid.keys import read_key
from fastdeid.objects import is_remote
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.replaced import replaced_file
from fastdeid.reporting.figures import Figures, read_figures
from fastdeid.reporting.page import render
from fastdeid.rules import Profile, load_profile
from fastdeid.workspace import SETTINGS_FILE, Workspace

REPORT_FILE: Final = "report.html"


def write_report(
    work: str | os.PathLike[str],
    key: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
) -> str:
    """Write the report of a finished run as one HTML page and return its path.

    work: folder of the link table. key: the project key's file. output: the page, by default
    report.html in that folder.

    Raises InputError when a table cannot be read, UsageError when the folder holds no run,
    KeyFileError when it had another key, OutputError when the page cannot be written.
    """
    folder = files.resolved(work)
    if is_remote(folder) and output is None:
        raise UsageError("say where to write the page: --output")
    if not Workspace(os.path.join(folder, "work")).has(SETTINGS_FILE):
        raise UsageError("WORK is not the folder of a link table, TARGET.link-table")
    figures = read_figures(folder, Pseudonyms(read_key(key)))
    page = render(figures, _profile(figures))
    path = os.path.abspath(output or os.path.join(folder, REPORT_FILE))
    if os.path.isdir(path):
        raise OutputError("the report's place is a folder")
    with replaced_file(path, sync=False) as file:
        file.write(page.encode("utf-8", "backslashreplace"))
    return path


def _profile(figures: Figures) -> Profile | None:
    """Return the run's profile, None when it is not there any more as it was."""
    try:
        profile = load_profile(figures.settings.profile)
    except ProfileError:
        return None
    return profile if profile.digest == figures.settings.profile_digest else None
