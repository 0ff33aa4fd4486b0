"""The action code of every attribute under one profile, and who says so (PS3.15 E.2 and E.3)."""

from __future__ import annotations

from typing import Final, NamedTuple

from fastdeid import options as o
from fastdeid import tags
from fastdeid.codes import clean_method
from fastdeid.errors import ProfileError
from fastdeid.options import Code, choose_option, read_option_codes, temporal_information
from fastdeid.overrides import Override, PrivateName, find_attribute
from fastdeid.profiles.tables import (
    PRIVATE_PATTERN,
    REPEATING_GROUPS,
    Row,
    read_dictionary,
    read_table,
)
from fastdeid.settings import Settings

TABLE: Final = "Table E.1-1"
NAMED_BY_NO_RULE: Final = "named by no rule"
DIRECTORY_GROUP: Final = 0x0004

_PRIVATE: Final = -1
_CURVES: Final = 0x5000
# Set anew by every run.
_REMADE: Final = (
    *(tags.PATIENT_IDENTITY_REMOVED, tags.DEIDENTIFICATION_METHOD),
    tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE,
    tags.LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
)
# Text Value of content items: no row of Table E.1-1, but a value type of Table E.3.4-1.
_TEXT_VALUE: Final = 0x0040A160
_TEXT: Final = frozenset(("LO", "LT", "SH", "ST", "UC", "UT"))
# Elements of a curve that hold a recorded voice, PS3.3 2004 C.10.3.
_AUDIO: Final = range(0x2000, 0x2010)
_DATES: Final = frozenset(("DA", "DT", "TM"))
VRS_WITH_RULE: Final = ("UI", "PN", "DA", "DT", "TM")


class Choice(NamedTuple):
    """What a profile decides on an attribute.

    code: of Table E.1-1a, K or C. source: who says so. basic: the code that the basic profile has,
    for values that C cannot clean.
    """

    code: str
    source: str
    basic: str


class Policy:
    """The choices of a profile for the instances that meet some of its conditions.

    weakening: rules that let more through than the options of the profile say. retained_vrs: VRs
    whose values stay, whichever attribute they stand in.
    claims: codes of CID 7050 whose rules are in force. temporal: value of (0028,0303). paths:
    choices by sequence path, of at least two tags. private: action codes of private attributes.
    inserted: attributes that are removed, because the profile has its own.
    """

    def __init__(self, settings: Settings, in_force: frozenset[int] = frozenset()) -> None:
        self.options = settings.options
        self._choices = _choices_of_table(settings.options)
        self._by_vr = _choices_by_vr(settings.options)
        self.retained_vrs = {vr for vr, choice in self._by_vr.items() if choice.code == "K"}
        remade = (*_REMADE, *[tags.ENCRYPTED_ATTRIBUTES_SEQUENCE] * settings.reversible)
        for tag in remade:
            self._choices[tag] = Choice("X", "set anew by every run", "X")
        self.inserted = frozenset(insertion.tag for insertion in settings.insertions)
        if settings.reversible:
            self.inserted |= {tags.ENCRYPTED_ATTRIBUTES_SEQUENCE}
        self.paths: dict[tuple[int, ...], Choice] = {}
        self.private: dict[PrivateName, str] = {}
        self.weakening: list[Override] = []
        self._not_claimed = set(o.PIXEL_OPTIONS)
        for number, override in enumerate(settings.overrides):
            if override.condition is None or number in in_force:
                self._apply(override)
        self._check_paths(settings.overrides)
        claimed = [o.BASIC, *settings.options]
        self.claims: tuple[Code, ...] = tuple(
            code
            for name, code in read_option_codes().items()
            if name in claimed and name not in self._not_claimed
        )
        self.temporal = temporal_information(settings.options)

    @property
    def named(self) -> tuple[int, ...]:
        """The attributes that a row or a rule names."""
        return tuple(tag for tag in self._choices if tag != _PRIVATE)

    def choose(self, tag: int) -> Choice:
        """Return the choice for an attribute, of whatever depth."""
        choice = self._choices.get(tag)
        if choice is not None:
            return choice
        if tag >> 16 & 1:
            return self._choices[_PRIVATE]
        attribute = read_dictionary().find(tag)
        if attribute is None:
            return Choice("X", "not in the data dictionary", "X")
        group = tag >> 16
        if group == DIRECTORY_GROUP or group in REPEATING_GROUPS:
            return self._choose_in_group(tag, attribute.vr)
        return self._by_vr.get(attribute.vr, Choice("K", NAMED_BY_NO_RULE, "K"))

    def _choose_in_group(self, tag: int, vr: str) -> Choice:
        """Decide on what no row names in a directory record, a curve or an overlay.

        A whole overlay or curve goes with its data: its module is not valid without that. Clean
        Graphics keeps the graphics and cleans the texts; a voice cannot be cleaned.
        """
        if tag >> 16 == DIRECTORY_GROUP or o.CLEAN_GRAPHICS not in self.options:
            return Choice("X", TABLE, "X")
        source = f"option {o.CLEAN_GRAPHICS}"
        if tag >> 16 == _CURVES and tag & 0xFFFF in _AUDIO:
            return Choice("X", "recorded voice", "X")
        return Choice("C" if vr in _TEXT else "K", source, "X")

    def _apply(self, override: Override) -> None:
        if override.unless in self.options:
            return
        if override.private is not None:
            self.private[override.private] = override.action
            if override.action == "K" and o.RETAIN_SAFE_PRIVATE not in self.options:
                self._weaken(override, Choice("X", TABLE, "X"))
            return
        tag = override.path[-1]
        before = self.choose(tag)
        if not override.shipped and _weakens(before.code, override.action):
            self._weaken(override, before)
        choice = Choice(override.action, override.source, before.basic)
        if len(override.path) > 1:
            self.paths[override.path] = choice
        else:
            self._choices[tag] = choice

    def _weaken(self, override: Override, before: Choice) -> None:
        """Claim neither the profile nor the option any more whose rule is not in force."""
        self.weakening.append(override)
        self._not_claimed.add(o.BASIC)
        if before.code == "C":
            self._not_claimed.add(before.source.removeprefix("option ").removesuffix(", by VR"))

    def _check_paths(self, overrides: tuple[Override, ...]) -> None:
        """Raise ProfileError for a path through a sequence that no rule keeps.

        Where a rule under conditions removes the sequence, a rule that removes something in it says
        no other thing.
        """
        kept = {override.path for override in overrides if override.action in {"K", "C"}}
        for path, choice in self.paths.items():
            for depth in range(1, len(path)):
                before = self.choose(path[depth - 1])
                if path[:depth] in kept or before.code in {"K", "C", "U", "X/Z/U*"}:
                    continue
                if choice.code not in {"K", "C"} and before.source.startswith("profile "):
                    continue
                name = find_attribute(path[depth - 1]).keyword
                place = next(one.place for one in overrides if one.path == path)
                raise ProfileError(
                    f"{place}: a rule about what {name} holds, but {name} is removed"
                )


def _weakens(before: str, after: str) -> bool:
    """Tell whether a rule lets more through than the options of the profile say."""
    return (after == "K" and before != "K") or (after == "C" and before not in {"K", "C"})


def _choices_of_table(options: tuple[str, ...]) -> dict[int, Choice]:
    choices = {}
    for row in read_table().rows:
        if row.pattern == PRIVATE_PATTERN:
            choices[_PRIVATE] = _choose(row, options)
        elif row.vr:
            choices[tag_of(row.pattern)] = _choose(row, options)
    if o.CLEAN_STRUCTURED_CONTENT in options:
        choices[_TEXT_VALUE] = Choice("C", f"option {o.CLEAN_STRUCTURED_CONTENT}", "D")
    return choices


def _choose(row: Row, options: tuple[str, ...]) -> Choice:
    """Return the choice that a row of the table makes under some options."""
    basic = row.codes[0]
    if (row.vr, basic) == ("UI", "D"):
        basic = "U"  # a UID is mapped by value wherever it stands, whatever else is asked for
    if row.vr and tag_of(row.pattern) >> 16 == DIRECTORY_GROUP:
        return Choice("X", TABLE, "X")
    code, option = choose_option(row, options)
    source = f"option {option}"
    if not row.vr:
        return Choice(code or basic, source if code else TABLE, basic)
    tag = tag_of(row.pattern)
    if code == "C" and tag >> 16 in REPEATING_GROUPS and row.vr not in _TEXT:
        code = "K"  # the graphics themselves
    elif code == "K" and row.vr == "AS":
        code = "C"  # ages over 89 years are capped
    elif code == "C" and not clean_method(tag, row.vr):
        return Choice(basic, f"{TABLE}, as {option} cannot clean VR {row.vr}", basic)
    return Choice(code, source, basic) if code else Choice(basic, TABLE, basic)


def _choices_by_vr(options: tuple[str, ...]) -> dict[str, Choice]:
    """Return the choices for attributes that no row names, by VR."""
    no_row = "no row, by VR"
    choices = {
        "UI": Choice("U", no_row, "U"),
        "PN": Choice("D", no_row, "D"),
        **dict.fromkeys(_DATES, Choice("X/Z/D", no_row, "X/Z/D")),
    }
    if o.RETAIN_UIDS in options:
        choices["UI"] = Choice("K", f"option {o.RETAIN_UIDS}, by VR", "U")
    for option, code in ((o.RETAIN_FULL_DATES, "K"), (o.RETAIN_MODIFIED_DATES, "C")):
        if option in options:
            choice = Choice(code, f"option {option}, by VR", "X/Z/D")
            choices.update(dict.fromkeys(_DATES, choice))
    return choices


def tag_of(pattern: str) -> int:
    """Return the tag of a pattern as printed, "(60xx,3000)" as 0x60003000."""
    return int(pattern[1:5].replace("x", "0") + pattern[6:10], 16)
