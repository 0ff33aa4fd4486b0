"""What a profile says of single attributes: where the rule applies, and under which conditions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Final, NamedTuple

from fastdeid import tags
from fastdeid.codes import clean_method, is_code
from fastdeid.errors import ProfileError
from fastdeid.profiles.tables import REPEATING_GROUPS, Attribute, read_dictionary, read_uids

_TAG: Final = re.compile(r"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)")
_REPEATING: Final = re.compile(r"\((50|60)[xX]{2},([0-9A-Fa-f]{4})\)")
_PRIVATE: Final = re.compile(r"\(([0-9A-Fa-f]{3}[13579BDFbdf]),[xX]{2}([0-9A-Fa-f]{2})\)")
_KEYWORD: Final = re.compile(r"[A-Z][A-Za-z0-9]+")
# A run depends on these: the marks that it makes itself, what tells how to read the rest, and the
# UIDs that name the outputs, which are retained all together (option retain_uids) or not at all.
_FIXED: Final = frozenset(
    (
        *(tags.SPECIFIC_CHARACTER_SET, tags.SOP_CLASS_UID, tags.PATIENT_IDENTITY_REMOVED),
        *(tags.DEIDENTIFICATION_METHOD, tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE),
        *(tags.LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, tags.MIME_TYPE_OF_ENCAPSULATED_DOCUMENT),
        *(tags.SOP_INSTANCE_UID, tags.STUDY_INSTANCE_UID, tags.SERIES_INSTANCE_UID),
        *(tags.FLOAT_PIXEL_DATA, tags.DOUBLE_FLOAT_PIXEL_DATA, tags.PIXEL_DATA),
    )
)
_CODE_STRING: Final = re.compile(r"[A-Z0-9_ ]{1,16}")


class PrivateName(NamedTuple):
    """A private attribute, in whichever block it stands: (gggg,xxee).

    creator: upper case, single spaces.
    """

    creator: str
    group: int
    element: int


class Condition(NamedTuple):
    """Of which instances a rule speaks: each of the three that is not empty has to match.

    modalities: values of (0008,0060). sop_classes: UIDs. manufacturers: patterns of (0008,0070)
    with * and ?, lower case.
    """

    modalities: frozenset[str]
    sop_classes: frozenset[str]
    manufacturers: tuple[str, ...]

    def holds(self, modality: str, sop_class: str, manufacturer: str) -> bool:
        """Tell whether an instance with these values meets the condition."""
        name = " ".join(manufacturer.lower().split())
        return (
            (not self.modalities or modality in self.modalities)
            and (not self.sop_classes or sop_class in self.sop_classes)
            and (
                not self.manufacturers
                or any(fnmatchcase(name, pattern) for pattern in self.manufacturers)
            )
        )


class Override(NamedTuple):
    """One rule of a profile.

    path: tags from the data set to the attribute; one tag holds at every depth. private: the
    attribute, where it is private, and then `path` is empty. action: code of Table E.1-1a, K or C.
    condition: None for all instances. unless: an option that makes the rule void, or "". source:
    who says so. shipped: part of the profile that fastdeid calls basic. place: file and line, for
    errors.
    """

    path: tuple[int, ...]
    private: PrivateName | None
    action: str
    reason: str
    condition: Condition | None
    unless: str
    source: str
    shipped: bool
    place: str = ""


@cache
def _tags_by_keyword() -> Mapping[str, int]:
    dictionary = read_dictionary()
    return {dictionary.attribute(tag).keyword: tag for tag in dictionary.tags.tolist()}


def parse_path(text: str) -> tuple[int, ...]:
    """Return the tags of "(0010,0010)", "PatientName", "(60xx,3000)" or "Sequence/Attribute".

    Raises ProfileError for what the data dictionary does not have.
    """
    path = tuple(_parse_tag(part.strip()) for part in text.split("/"))
    for tag in path[:-1]:
        if find_attribute(tag).vr != "SQ":
            raise ProfileError(f"{text!r} leads through an attribute that is no sequence")
    return path


def _parse_tag(text: str) -> int:
    match = _TAG.fullmatch(text)
    repeating = _REPEATING.fullmatch(text)
    if match:
        tag = int(match[1] + match[2], 16)
        if tag >> 16 & 1:
            raise ProfileError(f"private attribute {text!r} without its creator, as (gggg,xxee)")
        if tag >> 24 in {group >> 8 for group in REPEATING_GROUPS}:
            raise ProfileError(f"{text!r} is of a repeating group: write (50xx,eeee), (60xx,eeee)")
    elif repeating:
        tag = int(repeating[1] + "00" + repeating[2], 16)
    elif _KEYWORD.fullmatch(text):
        found = _tags_by_keyword().get(text)
        if found is None:
            raise ProfileError(f"unknown keyword {text!r}")
        tag = found
    else:
        raise ProfileError(f"no tag, keyword or path {text!r}")
    if read_dictionary().find(tag) is None:
        raise ProfileError(f"unknown tag {text!r}")
    return tag


def parse_private(text: str, creator: str) -> PrivateName:
    """Return the private attribute of "(0029,xx10)" and its creator; raise ProfileError if none."""
    match = _PRIVATE.fullmatch(text)
    if match is None:
        raise ProfileError(f"no private attribute {text!r}: write it as (0029,xx10)")
    return PrivateName(" ".join(creator.upper().split()), int(match[1], 16), int(match[2], 16))


def find_attribute(tag: int) -> Attribute:
    """Return the dictionary's line of a tag that it has."""
    return read_dictionary().attribute(tag)


def check_decidable(path: tuple[int, ...], text: str) -> None:
    """Raise ProfileError for an attribute that a run depends on."""
    for tag in path:
        if tag in _FIXED or tag >> 16 < 8:
            raise ProfileError(f"{text!r} is not for a profile to decide")


def check_action(action: str, path: tuple[int, ...], *, is_private: bool) -> None:
    """Raise ProfileError for an action that is none, or that the attribute's VR does not have."""
    if not is_code(action):
        raise ProfileError(f"unknown action {action!r}: no code of Table E.1-1a")
    if is_private and action not in {"K", "X"}:
        raise ProfileError("a private attribute is safe to keep, action 'K', or goes, action 'X'")
    if action == "C" and path and not clean_method(path[-1], find_attribute(path[-1]).vr):
        raise ProfileError(f"action 'C' is not possible for VR {find_attribute(path[-1]).vr}")
    if action in {"U", "X/Z/U*"} and path and find_attribute(path[-1]).vr not in {"UI", "SQ"}:
        raise ProfileError(f"action {action!r} is for UIDs and sequences only")


def parse_sop_class(text: str) -> str:
    """Return the UID of a SOP Class by UID or keyword; raise ProfileError for an unknown one."""
    for uid, (kind, keyword) in read_uids().items():
        if kind == "SOP Class" and text in {uid, keyword}:
            return uid
    raise ProfileError(f"unknown SOP Class {text!r}")


def parse_modality(text: str) -> str:
    """Return a value of (0008,0060) Modality; raise ProfileError for what is no code string."""
    if _CODE_STRING.fullmatch(text) is None:
        raise ProfileError(f"no modality {text!r}")
    return text.strip()
