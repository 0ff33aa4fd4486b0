"""Profile files: which options are on, and what goes beyond Table E.1-1."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec

from fastdeid.codes import choose_action
from fastdeid.errors import ProfileError
from fastdeid.profiles.tables import FOLDER, read_table


class Also(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An attribute beyond the table: tag as printed, action code, and why."""

    tag: str
    code: str
    reason: str


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of a profile file; `digest` is the SHA-256 of its bytes."""

    name: str
    version: str
    purpose: str
    options: list[str] = []
    well_known_uids: list[str] = []
    also: list[Also] = []
    digest: str = ""


def read_settings(name_or_path: str) -> Settings:
    """Return the settings of a profile that comes with fastdeid, or of a TOML file.

    Raises ProfileError when there is none, or when it holds anything unknown.
    """
    inside = FOLDER / f"{name_or_path}.toml"
    is_name = re.fullmatch(r"[a-z][a-z0-9_-]*", name_or_path) is not None
    path = inside if is_name and name_or_path != "sources" else Path(name_or_path)
    try:
        data = path.read_bytes()
    except OSError:
        raise ProfileError(f"no profile {name_or_path!r}") from None
    try:
        settings = msgspec.toml.decode(data, type=Settings)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ProfileError(f"profile {name_or_path!r}: {error}") from None
    _check(settings)
    return msgspec.structs.replace(settings, digest=hashlib.sha256(data).hexdigest())


def _check(settings: Settings) -> None:
    columns = read_table().columns
    for option in settings.options:
        if option not in columns:
            raise ProfileError(f"no column {option!r} in Table E.1-1")
        raise ProfileError(f"option {option!r} is not available in this version")
    for also in settings.also:
        if re.fullmatch(r"\([0-9A-F]{4},[0-9A-F]{4}\)", also.tag) is None:
            raise ProfileError(f"no tag {also.tag!r}")
        choose_action(also.code, "?")
