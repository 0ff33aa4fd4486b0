"""What a profile does, in words: for people who choose one, check their own or compare two."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from fastdeid.available import AVAILABLE
from fastdeid.options import CLEAN_VISUAL_FEATURES, read_option_codes
from fastdeid.overrides import Condition, Override, parse_path
from fastdeid.policy import Policy
from fastdeid.profiles.tables import read_dictionary, read_terms
from fastdeid.rules import Profile, load_profile
from fastdeid.settings import MEASUREMENTS, Settings, profile_names, read_settings

_WIDTH: Final = 100
# A SOP Class without an IOD: what a rule says where no Type is known.
_COMPARED: Final = (
    *("options", "pseudonyms", "descriptors", "private_sources", "csa_headers", "shift_times"),
    "reversible",
)
REVERSIBLE: Final = (
    "REVERSIBLE: (0400,0500) of every output holds its originals, encrypted under the project key."
)
_NO_SOP_CLASS: Final = ""
_LETTERS: Final = 2  # of the modalities that are no words


def list_profiles() -> list[str]:
    """Return a line for each profile that comes with fastdeid."""
    names = profile_names()
    width = max(len(name) for name in names)
    return [f"{name:<{width}}  {read_settings(name).purpose}" for name in names]


def show_profile(name_or_path: str) -> list[str]:
    """Return what a profile says: options, rules with their reasons, what it inserts.

    Raises ProfileError when it holds anything unknown.
    """
    settings = read_settings(name_or_path)
    policy = Policy(settings)
    inherited = [override for override in settings.overrides if override.shipped]
    own = [o for o in settings.overrides if not o.shipped] or inherited
    lines = [
        f"{settings.name} {settings.version}: {settings.purpose}",
        *(f"extends {parent}" for parent in settings.extends),
        "",
        "Options:",
        *(f"  {option_line(name)}" for name in settings.options or ("none",)),
        "",
        "Codes in (0012,0064), where no condition is met:",
        *(f"  {value} {meaning}" for value, _, meaning in policy.claims or [("", "", "none")]),
        f"(0028,0303) is {policy.temporal}.",
        f"Pseudonyms: {settings.pseudonyms}. Text: {settings.descriptors}.",
        f"Siemens CSA headers: {settings.csa_headers}.",
        *(["Times of day are shifted."] if settings.shift_times else []),
        *([REVERSIBLE] if settings.reversible else []),
        f"Tables of safe private attributes: {', '.join(settings.private_sources)}.",
        *_pixel_lines(settings),
        "",
        "Rules beyond Table E.1-1:",
        *(line for override in own for line in _override_lines(override)),
        *([f"  {len(inherited)} rules of basic"] if len(own) < len(settings.overrides) else []),
    ]
    if settings.insertions:
        lines += ["", "Inserted into every instance:"]
        lines += [
            f"  {tag_name(insertion.tag)} = {insertion.value!r}: {insertion.reason}"
            for insertion in settings.insertions
        ]
    if settings.identifiers:
        lines += ["", "Identifiers:", *_identifier_lines(settings)]
    return lines


def _pixel_lines(settings: Settings) -> list[str]:
    """Return what the profile lets a run do with pixel data."""
    wanted = settings.pixels
    names = [Path(name).name for name in wanted.regions or ()]
    regions = f"region rules {', '.join(names) or 'none'}"
    kept = ", measurements kept" if wanted.keep == MEASUREMENTS else ""
    outside = f"outside of ultrasound regions {wanted.ultrasound_regions}"
    return [f"Pixel data, as far as a run looks: {regions}; {outside}; text {wanted.text}{kept}."]


def check_profile(name_or_path: str) -> list[str]:
    """Compile a profile under each of its conditions; return that it is sound, and warnings.

    Raises ProfileError when it holds anything unknown, or contradicts itself.
    """
    profile = load_profile(name_or_path)
    settings = profile.settings
    conditional = [n for n, rule in enumerate(settings.overrides) if rule.condition is not None]
    for number in conditional:
        profile.rules(_NO_SOP_CLASS, conditions=frozenset({number}))
    everything = Policy(settings, frozenset(conditional))
    counts = f"{len(settings.options)} options, {len(settings.overrides)} rules"
    lines = [f"{profile.name} {profile.version}: sound; {counts}, {len(conditional)} conditional"]
    lines += [REVERSIBLE] if settings.reversible else []
    warnings = [
        f"{describe_place(override)} {override.action}: lets more through than the options say; "
        "113100 and the option are not claimed"
        for override in everything.weakening
    ]
    for name in settings.options:
        if name == CLEAN_VISUAL_FEATURES:
            warnings.append(f"{name}: accepted, but this version does not look for faces")
        elif name not in AVAILABLE:
            warnings.append(f"{name}: not available in this version, a run is refused")
    warnings += [f"identifier {line}" for line in _uncovered(profile)]
    warnings += [
        f"{override.place}: modality {name!r} is no term of PS3.3, the rule may never apply"
        for override in settings.overrides
        for name in sorted(override.condition.modalities if override.condition else ())
        if len(name) != _LETTERS and name not in read_terms()
    ]
    return [*lines, *(f"warning: {warning}" for warning in warnings)]


def diff_profiles(one: str, other: str) -> list[str]:
    """Return what two profiles do differently, a line for each option, attribute and rule.

    Raises ProfileError when one of them holds anything unknown.
    """
    both = load_profile(one), load_profile(other)
    names = [f"{profile.name} {profile.version}" for profile in both]
    lines = [f"- {names[0]}", f"+ {names[1]}"]
    for title in _COMPARED:
        lines += _differing(title, *(getattr(profile.settings, title) for profile in both))
    stages = [msgspec.structs.astuple(profile.settings.pixels) for profile in both]
    lines += _differing("pixels", *stages)
    claims = [tuple(code[0] for code in profile.codes) for profile in both]
    lines += _differing("codes claimed", *claims)
    rules = [profile.rules(_NO_SOP_CLASS) for profile in both]
    for tag in read_dictionary().tags.tolist():
        old, new = (one.choose(tag) for one in rules)
        if old.code != new.code:
            lines.append(f"{tag_name(tag)}: {old.code} ({old.source}) -> {new.code} ({new.source})")
    for sign, mine, others in (("-", 0, 1), ("+", 1, 0)):
        known = {_key(override) for override in both[others].settings.overrides}
        lines += [
            f"{sign} {describe_place(override)}: {override.action}{describe_condition(override)}"
            for override in both[mine].settings.overrides
            if _is_particular(override) and _key(override) not in known
        ]
    return lines


def option_line(name: str) -> str:
    """Return an option with its code and meaning."""
    code = read_option_codes().get(name)
    return name if code is None else f"{name}: {code[0]} {code[2]}"


def tag_name(tag: int) -> str:
    """Return "(gggg,eeee) Keyword"."""
    attribute = read_dictionary().find(tag)
    keyword = "" if attribute is None else f" {attribute.keyword}"
    printed = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
    if tag >> 16 in {0x5000, 0x6000}:
        printed = f"({tag >> 24:02X}xx,{tag & 0xFFFF:04X})"
    return printed + keyword


def describe_place(override: Override) -> str:
    """Return where a rule applies."""
    if override.private is not None:
        creator, group, element = override.private
        return f"({group:04X},xx{element:02X}) of {creator!r}"
    return " / ".join(tag_name(tag) for tag in override.path)


def describe_condition(override: Override) -> str:
    """Return under which condition a rule holds, "" for none."""
    condition: Condition | None = override.condition
    parts = [f", unless {override.unless}"] if override.unless else []
    if condition is not None:
        for name, values in zip(
            ("modality", "SOP Class", "manufacturer"),
            (sorted(condition.modalities), sorted(condition.sop_classes), condition.manufacturers),
            strict=True,
        ):
            if values:
                parts.append(f", where {name} is {' or '.join(values)}")
    return "".join(parts)


def _override_lines(override: Override) -> list[str]:
    condition = describe_condition(override)
    text = f"{describe_place(override)}: {override.action}{condition}: {override.reason}"
    return textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="      ")


def _identifier_lines(settings: Settings) -> Iterator[str]:
    for identifier in settings.identifiers:
        mark = "" if identifier.covered else " (NOT COVERED)"
        text = f"{identifier.letter}. {identifier.name}{mark}: {identifier.how}"
        yield from textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="     ")


def _uncovered(profile: Profile) -> Iterator[str]:
    """Yield identifiers that the profile does not treat, or of which it keeps an attribute."""
    rules = profile.rules(_NO_SOP_CLASS)
    for identifier in profile.settings.identifiers:
        if not identifier.covered:
            yield f"{identifier.letter}, {identifier.name}: {identifier.how}"
        for attribute in identifier.attributes:
            if rules.choose(parse_path(attribute)[-1]).code == "K":
                yield f"{identifier.letter}, {identifier.name}: keeps {attribute}"


def _differing(title: str, old: object, new: object) -> list[str]:
    if old == new:
        return []
    return [f"{title}: {_listed(old)} -> {_listed(new)}"]


def _listed(value: object) -> str:
    return (", ".join(value) or "none") if isinstance(value, tuple) else str(value)


def _is_particular(override: Override) -> bool:
    """Tell whether a rule is not already told by the choices for whole attributes."""
    return override.private is not None or override.condition is not None or len(override.path) > 1


def _key(override: Override) -> tuple[object, ...]:
    return override.path, override.private, override.action, override.condition, override.unless
