"""Profile files: which options are on, and what a profile says beyond Table E.1-1."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from fastdeid.errors import ProfileError
from fastdeid.insertions import Insertion, parse_insertion
from fastdeid.options import RETAIN_MODIFIED_DATES, check_option, check_options
from fastdeid.overrides import (
    Condition,
    Override,
    check_action,
    check_decidable,
    parse_modality,
    parse_path,
    parse_private,
    parse_sop_class,
)
from fastdeid.profile_lines import find_error, find_line
from fastdeid.profiles.tables import FOLDER

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*")
_LABEL: Final = re.compile(r"[A-Za-z0-9._-]{1,20}")
# Beside profiles, the folder holds tables in TOML.
_PURPOSE: Final = re.compile(rb"^purpose\s*=", re.MULTILINE)
_LONGEST_CHAIN: Final = 8
_INHERITED: Final = (
    *("options", "pseudonyms", "descriptors", "private_sources", "csa_headers", "shift_times"),
    "reversible",
)
PRIVATE_SOURCES: Final = ("standard", "tcia")
# Values of `[pixels]`.
KNOWN: Final = "known"
MASK: Final = "mask"
MASK_OUTSIDE: Final = "mask_outside"
MEASUREMENTS: Final = "measurements"


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition as written: Modality values, SOP Classes (UID or keyword), patterns of makers."""

    modality: list[str] = []
    sop_class: list[str] = []
    manufacturer: list[str] = []


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule as written.

    attribute: "(gggg,eeee)", a keyword, "(60xx,eeee)", a path "Sequence/Attribute", or, with a
    creator, "(gggg,xxee)". action: a code of Table E.1-1a, K or C. unless: an option.
    """

    attribute: str
    action: str
    reason: str
    creator: str = ""
    when: When | None = None
    unless: str = ""


class Insert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An attribute that every output gets; {patient} in the value is the patient's pseudonym."""

    attribute: str
    value: str
    reason: str


class Identifier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of a list of identifiers that a law names, and how the profile treats it.

    attributes: keywords of attributes that must not be kept. covered: False where this version has
    no answer, and `how` says so.
    """

    letter: str
    name: str
    how: str
    attributes: list[str] = []
    covered: bool = True


class Pixels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is done about pixel data, as far as a run looks into it.

    regions: rules of devices that burn text into known boxes: "known", those that come with
    fastdeid, or files of such rules beside the profile; in settings, with their full paths.
    ultrasound_regions: "keep", or "mask_outside" what no region of (0018,6011) covers. text:
    "mask", or "keep". keep: lines of text that are not masked: "nothing", or "measurements", those
    that an OCR engine reads as measurements, settings, lateralities or orientations.
    """

    regions: tuple[str, ...] | None = None
    ultrasound_regions: Literal["keep", "mask_outside"] | None = None
    text: Literal["keep", "mask"] | None = None
    keep: Literal["nothing", "measurements"] | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One profile file. What is None is as in the profile that it extends."""

    name: str
    version: str
    purpose: str
    extends: str = ""
    options: list[str] | None = None
    pseudonyms: Literal["keyed", "random"] | None = None
    descriptors: Literal["balanced", "strict"] | None = None
    private_sources: list[str] | None = None
    csa_headers: Literal["remove", "scrub"] | None = None
    pixels: Pixels = Pixels()
    shift_times: bool | None = None
    reversible: bool | None = None
    well_known_uids: list[str] = []
    rule: list[Rule] = []
    insert: list[Insert] = []
    identifier: list[Identifier] = []


EVERY_STAGE: Final = Pixels((KNOWN,), ultrasound_regions="keep", text=MASK, keep="nothing")


class Settings(msgspec.Struct, frozen=True):
    """A profile and all that it extends, checked.

    overrides: later ones win. pseudonyms: "keyed", or "random" and kept in the link table only.
    descriptors: mode of the text cleaning. private_sources: whose tables of safe private attributes
    hold. csa_headers: what becomes of Siemens CSA headers. pixels: stages on pixel data, every one
    of them said. shift_times: modified dates move times of day, too. reversible: outputs hold their
    originals, encrypted under the project key, see `reversible`. digest: SHA-256 of the files.
    """

    name: str
    version: str
    purpose: str
    extends: tuple[str, ...]
    options: tuple[str, ...] = ()
    pseudonyms: str = "keyed"
    descriptors: str = "balanced"
    private_sources: tuple[str, ...] = ("standard",)
    csa_headers: str = "remove"
    pixels: Pixels = EVERY_STAGE
    shift_times: bool = False
    reversible: bool = False
    well_known_uids: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    insertions: tuple[Insertion, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    digest: str = ""


class _Source:
    """A profile file with its text, for errors that name the line."""

    def __init__(self, name_or_path: str, folder: Path | None = None) -> None:
        self.path = _path_of(name_or_path, folder)
        self._label = name_or_path
        # Bytes of the files of region rules that the profile names.
        self.rules_of_regions = b""
        try:
            self.data = self.path.read_bytes()
        except OSError:
            raise ProfileError(f"no profile {name_or_path!r}") from None
        try:
            self._text = self.data.decode("utf-8")
            self.file = msgspec.toml.decode(self._text, type=_File)
        except UnicodeDecodeError:
            raise ProfileError(f"profile {name_or_path!r} is not UTF-8") from None
        except (msgspec.MsgspecError, ValueError) as error:
            line, reason = find_error(self._text, str(error))
            raise self._error(line, reason) from None

    def _error(self, line: int, reason: object) -> ProfileError:
        return ProfileError(f"profile {self._label!r}, line {line}: {reason}")

    def failed(self, error: object, word: str, table: str = "", number: int = 0) -> ProfileError:
        """Return an error with the line of the word that is wrong."""
        return self._error(find_line(self._text, table, number, word), error)

    def names(self) -> None:
        """Raise ProfileError for a name or version that (0012,0063) cannot hold."""
        for key in ("name", "version"):
            if _LABEL.fullmatch(getattr(self.file, key)) is None:
                raise self.failed(f"{key} is not 1 to 20 of A-Z, a-z, 0-9, '.', '_', '-'", key)

    def options(self) -> None:
        """Raise ProfileError for an unknown option, or options that exclude each other."""
        for option in self.file.options or ():
            try:
                check_option(option)
            except ProfileError as error:
                raise self.failed(error, option) from None
        for source in self.file.private_sources or ():
            if source not in PRIVATE_SOURCES:
                raise self.failed(f"no table of safe private attributes {source!r}", source)
        try:
            check_options(tuple(self.file.options or ()))
        except ProfileError as error:
            raise self.failed(error, "options") from None

    def overrides(self) -> Iterator[Override]:
        """Yield the rules of the file; raise ProfileError for anything unknown in them."""
        for number, rule in enumerate(self.file.rule):
            word = rule.attribute
            line = find_line(self._text, "rule", number, word)
            try:
                private = parse_private(word, rule.creator) if rule.creator else None
                path = () if rule.creator else parse_path(word)
                check_decidable(path, word)
                word = rule.action
                check_action(rule.action, path, is_private=private is not None)
                word = rule.unless
                if rule.unless:
                    check_option(rule.unless)
            except ProfileError as error:
                raise self.failed(error, word, "rule", number) from None
            yield Override(
                path=path,
                private=private,
                action=rule.action,
                reason=rule.reason,
                condition=self._condition(rule.when, number),
                unless=rule.unless,
                source=f"profile {self.file.name}",
                shipped=self.path.parent == FOLDER and self.file.name == "basic",
                place=f"profile {self._label!r}, line {line}",
            )

    def _condition(self, when: When | None, number: int) -> Condition | None:
        if when is None:
            return None
        if not (when.modality or when.sop_class or when.manufacturer):
            raise self.failed("a condition without any value", "when", "rule", number)
        word = ""
        try:
            modalities, sop_classes = set(), set()
            for word in when.modality:
                modalities.add(parse_modality(word))
            for word in when.sop_class:
                sop_classes.add(parse_sop_class(word))
        except ProfileError as error:
            raise self.failed(error, word, "rule", number) from None
        manufacturers = tuple(" ".join(name.lower().split()) for name in when.manufacturer)
        return Condition(frozenset(modalities), frozenset(sop_classes), manufacturers)

    def pixels(self, before: Pixels) -> Pixels:
        """Return the stages on pixels, with those of `before` where the file says nothing.

        Raises ProfileError for a file of region rules that is not there or holds anything unknown.
        """
        own = self.file.pixels
        if own.regions is not None:
            folder = self.path.parent
            named = [name if name == KNOWN else str(folder / name) for name in own.regions]
            for word, name in zip(own.regions, named, strict=True):
                try:
                    self.rules_of_regions += b"" if name == KNOWN else read_rules(name)
                except ProfileError as error:
                    raise self.failed(error, word) from None
            own = msgspec.structs.replace(own, regions=tuple(named))
        given = msgspec.structs.asdict(own)
        said = {name: value for name, value in given.items() if value is not None}
        return msgspec.structs.replace(before, **said)

    def insertions(self) -> Iterator[Insertion]:
        """Yield what the file inserts; raise ProfileError for what cannot be inserted."""
        for number, insert in enumerate(self.file.insert):
            try:
                yield parse_insertion(insert.attribute, insert.value, insert.reason)
            except ProfileError as error:
                raise self.failed(error, insert.attribute, "insert", number) from None

    def identifiers(self) -> Iterator[Identifier]:
        """Yield the identifiers of the file; raise ProfileError for an unknown attribute."""
        for number, identifier in enumerate(self.file.identifier):
            for attribute in identifier.attributes:
                try:
                    parse_path(attribute)
                except ProfileError as error:
                    raise self.failed(error, attribute, "identifier", number) from None
            yield identifier


def read_settings(name_or_path: str) -> Settings:
    """Return the settings of a profile that comes with fastdeid, or of a TOML file.

    Raises ProfileError, with the line, when there is none or when it holds anything unknown.
    """
    chain = [_Source(name_or_path)]
    while chain[-1].file.extends:
        if len(chain) == _LONGEST_CHAIN:
            raise chain[0].failed("extends a profile that extends it", "extends")
        parent = chain[-1].file.extends
        try:
            chain.append(_Source(parent, chain[-1].path.parent))
        except ProfileError as error:
            raise chain[-1].failed(error, "extends") from None
    settings = _merge(chain)
    check_options(settings.options)
    if settings.shift_times and RETAIN_MODIFIED_DATES not in settings.options:
        raise chain[0].failed(f"shift_times asks for {RETAIN_MODIFIED_DATES}", "shift_times")
    if settings.reversible and settings.pseudonyms != "keyed":
        raise chain[0].failed("reversible: random pseudonyms must not lead back", "reversible")
    return settings


def read_rules(path: str) -> bytes:
    """Return the bytes of a file of region rules; raises ProfileError when it is not sound."""
    from fastdeid.pixels.regions import load_rules

    load_rules(Path(path))
    return Path(path).read_bytes()


def profile_names() -> tuple[str, ...]:
    """Return the names of the profiles that come with fastdeid, basic first.

    Raises ProfileError when they cannot be read.
    """
    try:
        files = [path for path in FOLDER.glob("*.toml") if _PURPOSE.search(path.read_bytes())]
    except OSError:
        raise ProfileError("the profiles that come with fastdeid cannot be read") from None
    names = sorted(path.stem for path in files)
    return tuple(sorted(names, key=lambda name: name != "basic"))


def _path_of(name_or_path: str, folder: Path | None) -> Path:
    inside = FOLDER / f"{name_or_path}.toml"
    if _NAME.fullmatch(name_or_path) and name_or_path != "sources":
        return inside
    return Path(name_or_path) if folder is None else folder / name_or_path


def _merge(chain: list[_Source]) -> Settings:
    """Return the settings of a profile; the first of the chain has the last word."""
    own = chain[0].file
    merged: dict[str, Any] = {}
    insertions: dict[int, Insertion] = {}
    uids: list[str] = []
    overrides: list[Override] = []
    identifiers: list[Identifier] = []
    pixels = EVERY_STAGE
    for source in reversed(chain):
        source.names()
        source.options()
        overrides += source.overrides()
        identifiers += source.identifiers()
        insertions.update((insertion.tag, insertion) for insertion in source.insertions())
        uids += source.file.well_known_uids
        pixels = source.pixels(pixels)
        for name in _INHERITED:
            value = getattr(source.file, name)
            if value is not None:
                merged[name] = tuple(value) if isinstance(value, list) else value
    held = [source.data + source.rules_of_regions for source in chain]
    digests = [hashlib.sha256(data).hexdigest() for data in held]
    return Settings(
        name=own.name,
        version=own.version,
        purpose=own.purpose,
        extends=tuple(source.file.name for source in chain[1:]),
        well_known_uids=tuple(uids),
        overrides=tuple(overrides),
        insertions=tuple(insertions[tag] for tag in sorted(insertions)),
        identifiers=tuple(identifiers),
        pixels=pixels,
        digest=hashlib.sha256("\n".join(digests).encode()).hexdigest(),
        **merged,
    )
