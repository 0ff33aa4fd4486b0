"""The conformance statement of a profile, as PS3.15 section E.1.3 asks for, in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from fastdeid import __version__
from fastdeid import options as o
from fastdeid.available import AVAILABLE
from fastdeid.codes import choose_action
from fastdeid.options import PIXEL_OPTIONS, read_option_codes
from fastdeid.policy import tag_of
from fastdeid.profile_text import describe_condition, describe_place, tag_name
from fastdeid.profiles.tables import PRIVATE_PATTERN, read_table, read_types
from fastdeid.pseudonyms import MAXIMUM_SHIFT_DAYS
from fastdeid.rules import Profile, load_profile
from fastdeid.settings import MASK, MASK_OUTSIDE, MEASUREMENTS

_ACTIONS: Final = {
    "K": "kept",
    "C": "cleaned",
    "X": "removed",
    "Z": "emptied, or replaced by a pseudonym or dummy",
    "D": "replaced by a dummy value",
    "U": "replaced by a UID that is consistent over all instances of a project",
}
_NO_SOP_CLASS: Final = ""


def write_statement(name_or_path: str) -> str:
    """Return the conformance statement of a profile in Markdown.

    Raises ProfileError when the profile holds anything unknown.
    """
    profile = load_profile(name_or_path)
    parts = (
        _head(profile),
        _options(profile),
        _identities(profile),
        _originals(profile),
        _dates(profile),
        _contents(profile),
        _marks(profile),
        _deviations(profile),
        _identifiers(profile),
        _attributes(profile),
    )
    return "\n".join(line for part in parts for line in part)


def _head(profile: Profile) -> Iterator[str]:
    settings = profile.settings
    yield f"# De-identification: conformance statement of the profile {profile.name}"
    yield ""
    yield f"{settings.purpose}."
    yield ""
    yield from _table(
        ("", ""),
        [
            ("application", f"fastdeid {__version__}, de-identifier (PS3.15 E.1.1)"),
            ("profile", f"{profile.name} {profile.version}"),
            ("extends", ", ".join(settings.extends) or "nothing"),
            ("standard", f"PS3.15 {profile.edition}, Annex E"),
            ("digest of the compiled rules", f"`{profile.digest}`"),
            ("SOP Classes", f"composite storage; Types known for {len(read_types().sop_classes)}"),
        ],
    )
    yield ""
    yield (
        "Transfer syntaxes are not changed. Instances of other SOP Classes, with a recorded voice, "
        "inventories of patients and DICOMDIRs are not de-identified but set aside."
    )
    yield ""


def _options(profile: Profile) -> Iterator[str]:
    claimed = {code[0] for code in profile.codes}
    yield "## Profile and options"
    yield ""
    rows = []
    for name, (value, _, meaning) in read_option_codes().items():
        if name == o.BASIC or name in profile.options:
            rows.append((meaning, value, "yes" if value in claimed else _why_not(name)))
    yield from _table(("profile, option", "CID 7050", "in (0012,0064)"), rows)
    yield ""
    yield (
        "An option's code is written where its rules were applied, also when the instance had "
        "nothing that they are about."
    )
    yield ""


def _why_not(name: str) -> str:
    if name in PIXEL_OPTIONS:
        if name == o.CLEAN_PIXEL_DATA:
            return "in each instance every frame of which was examined, whatever the profile"
        return "no: faces are not looked for by this version"
    if name != o.BASIC and name not in AVAILABLE:
        return "no: not available in this version, runs are refused"
    return "no: a rule of the profile lets more through, see below"


def _identities(profile: Profile) -> Iterator[str]:
    yield "## UIDs and pseudonyms"
    yield ""
    if o.RETAIN_UIDS in profile.options:
        yield "UIDs are retained."
    else:
        keyed = profile.settings.pseudonyms == "keyed"
        yield (
            "Every UID is replaced by value, wherever it stands, except those that PS3.6 registers "
            f"and {len(profile.settings.well_known_uids)} of coding schemes. New UIDs are 2.25. "
            "and a UUID of 128 bits, "
            + (
                "derived with the project key, so references hold over all instances that are "
                "de-identified with this key, in any run and on any machine."
                if keyed
                else "drawn anew by every run: references hold over all instances of a run. The "
                "secret of the run that they are made with stands in the working folder of the "
                "link table, readable by its owner, until the run is finished, and is destroyed "
                "then (45 CFR 164.514(c))."
            )
        )
    yield ""
    yield (
        "Patient's Name and Patient ID are replaced by a pseudonym of 80 bits, Accession Number by "
        "another; "
        + (
            "each is a keyed digest of the original."
            if profile.settings.pseudonyms == "keyed"
            else "each is a number drawn at random for one run and kept in the link table only."
        )
        + " A run with a crosswalk of the site takes patients' pseudonyms, and date offsets where "
        "it has them, from there. Dummy values are plainly synthetic, ASCII, and the same for all "
        "patients."
    )
    yield ""


def _originals(profile: Profile) -> Iterator[str]:
    yield "## Originals"
    yield ""
    if not profile.settings.reversible:
        yield "No output holds originals, encrypted or not."
    else:
        yield (
            "Every output holds its originals in Encrypted Attributes Sequence (0400,0500), for "
            "re-identification as of PS3.15 E.1.2 by whoever holds the project key: Patient ID "
            "with its issuer, Patient's Name, birth date, Accession Number, Study Date, the UIDs "
            "of study, series, instance and frame of reference, and Specific Character Set. They "
            "are a CMS message with AES-256; its key is wrapped under a key derived from the "
            "project key (RFC 3394), not under an RSA key as E.1.1 has it. **Whoever gets the "
            "project key re-identifies every output.** An Encrypted Attributes Sequence that "
            "stands in an input is removed."
        )
    yield ""


def _dates(profile: Profile) -> Iterator[str]:
    yield "## Dates and times"
    yield ""
    if o.RETAIN_FULL_DATES in profile.options:
        yield "Dates and times are retained as they are, as Table E.1-1 lists them."
    elif o.RETAIN_MODIFIED_DATES in profile.options:
        yield (
            f"All dates of a patient are moved back by the same 1 to {MAXIMUM_SHIFT_DAYS} whole "
            "days, which the project key gives. Intervals between the dates of a patient stay as "
            "they are, over studies, series and modalities. "
            + (
                "Times of day move on by the same 1 to 1,439 minutes of a patient, and the dates "
                "beside those that pass midnight by a day more; offsets from UTC stay. "
                if profile.settings.shift_times
                else "Times of day and offsets from UTC stay. "
            )
            + "What is no valid date or time is emptied, or replaced by a dummy where it is "
            "required."
        )
    else:
        yield "Dates and times are removed, emptied or replaced by 1 January 1900, by Type."
    yield ""
    yield "Ages over 89 years that are retained become 090Y."
    yield ""


def _contents(profile: Profile) -> Iterator[str]:
    settings, options = profile.settings, profile.options
    private = f"those of: {', '.join(settings.private_sources)}, and what (0008,0300) declares safe"
    rows = [
        (
            "text that is retained",
            f"cleaned of what identifies, mode {settings.descriptors}"
            if any(name.startswith(("clean_d", "retain_p")) for name in options)
            else "no cleaned text is retained",
        ),
        (
            "structured content",
            "by Table E.3.4-1" if o.CLEAN_STRUCTURED_CONTENT in options else "replaced by a dummy",
        ),
        (
            "graphics, overlays, curves",
            "kept, their text is cleaned" if o.CLEAN_GRAPHICS in options else "removed or dummies",
        ),
        ("private attributes", private if o.RETAIN_SAFE_PRIVATE in options else "removed"),
        (
            "Siemens CSA headers",
            settings.csa_headers if o.RETAIN_SAFE_PRIVATE in options else "removed",
        ),
        ("pixel data", _pixel_data(profile)),
        ("every kept element", "searched for the instance's own names, identifiers and dates"),
    ]
    yield "## Contents"
    yield ""
    yield from _table(("what", "how"), rows)
    yield ""


def _pixel_data(profile: Profile) -> str:
    wanted = profile.settings.pixels
    said = ["as far as a run looks into it:"]
    if wanted.regions:
        said.append("boxes of known devices are filled;")
    if wanted.ultrasound_regions == MASK_OUTSIDE:
        said.append("what no ultrasound region covers is filled;")
    if wanted.text == MASK:
        said.append("text is sought in every frame and filled, and (0028,0301) becomes NO;")
        if wanted.keep == MEASUREMENTS:
            said.append("lines read by OCR as measurements, settings or orientations stay;")
    return " ".join([*said, "frames without boxes stay as they are; faces are the user's to judge"])


def _marks(profile: Profile) -> Iterator[str]:
    rules = profile.rules(_NO_SOP_CLASS)
    yield "## Attributes that every output gets"
    yield ""
    rows = [
        ("(0012,0062) Patient Identity Removed", "YES"),
        ("(0012,0063) De-identification Method", profile.method),
        ("(0012,0064) De-identification Method Code Sequence", "the codes above"),
        ("(0028,0303) Longitudinal Temporal Information Modified", rules.temporal),
        *((tag_name(i.tag), f"{i.value!r}, {i.reason}") for i in rules.insertions),
    ]
    if profile.settings.reversible:
        rows.append(("(0400,0500) Encrypted Attributes Sequence", "its originals, see above"))
    yield from _table(("attribute", "value"), rows)
    yield ""


def _deviations(profile: Profile) -> Iterator[str]:
    overrides = profile.settings.overrides
    yield "## Rules beyond Table E.1-1"
    yield ""
    rows = [
        (describe_place(rule), rule.action + describe_condition(rule), rule.source, rule.reason)
        for rule in overrides
    ]
    yield from _table(("attribute", "action", "by", "reason"), rows)
    yield ""


def _identifiers(profile: Profile) -> Iterator[str]:
    if not profile.settings.identifiers:
        return
    yield "## Identifiers"
    yield ""
    rows = [
        (f"{i.letter}. {i.name}", "yes" if i.covered else "**no**", i.how)
        for i in profile.settings.identifiers
    ]
    yield from _table(("identifier", "covered", "how"), rows)
    yield ""


def _attributes(profile: Profile) -> Iterator[str]:
    """Yield the compiled rule of every row of Table E.1-1."""
    rules = profile.rules(_NO_SOP_CLASS)
    rows = []
    actions: Counter[str] = Counter()
    for row in read_table().rows:
        if row.vr:
            choice = rules.choose(tag_of(row.pattern))
        else:
            choice = rules.choose(0x00090000 if row.pattern == PRIVATE_PATTERN else 0x50000010)
        actions[choose_action(choice.code, "?")] += 1
        rows.append((row.pattern, row.name, choice.code, choice.source))
    yield "## Every row of Table E.1-1"
    yield ""
    yield (
        "A compound code is resolved by the Type that the attribute has in the instance's IOD "
        "(Table E.1-1a), a sequence that is kept or cleaned by the rules of what it holds."
    )
    yield ""
    counts = [(code, _ACTIONS[code], str(actions[code])) for code in _ACTIONS]
    yield from _table(("action", "meaning", "rows, where the Type is not known"), counts)
    yield ""
    yield from _table(("tag", "attribute", "code", "by"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _row(head)
    yield "|" + "---|" * len(head)
    for row in rows:
        yield _row(row)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
