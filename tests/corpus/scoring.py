"""The score of a run: required actions by category, how many were done, and where they were not.

Both directions count alike: a value that must go and is there, a value that must stay and is not.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from pydicom.uid import UID

from tests.corpus.answers import LOCAL_SORTS
from tests.corpus.cast import CAST
from tests.corpus.content import content_effect
from tests.corpus.moving import days_of, moved
from tests.corpus.outputs import Pair
from tests.corpus.people import Person
from tests.corpus.searching import people_words, raw_hits, text_hits
from tests.corpus.table import DATES, Effect, effect
from tests.corpus.walking import Place

_CODES: Final = {
    "clean_pixel_data": "113101",
    "clean_recognizable_visual_features": "113102",
    "clean_graphics": "113103",
    "clean_structured_content": "113104",
    "clean_descriptors": "113105",
    "retain_longitudinal_full_dates": "113106",
    "retain_longitudinal_modified_dates": "113107",
    "retain_patient_characteristics": "113108",
    "retain_device_identity": "113109",
    "retain_uids": "113110",
    "retain_safe_private": "113111",
    "retain_institution_identity": "113112",
}
# What no header tells to identify: found by patterns, where an option asks for it.
UNKNOWN: Final = frozenset({"short", "abbr", "stranger", "other_doctor", "mail", "url", "ip"})
# Of hospitals and devices: what an option keeps in its own place may stand in texts, too.
PLACES: Final = frozenset({"place", "contact"})
_BASIC_CODE: Final = "113100"
_UID: Final = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")
_LONGEST_UID: Final = 64
# What PS3.15 asks of a replaced age.
_OLDEST: Final = 89


class Finding(NamedTuple):
    """A required action that was not done: category, source path, element path, what is wrong."""

    category: str
    source: str
    path: str
    problem: str


@dataclass
class Score:
    """Counts by category, and the actions that were not done."""

    required: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def check(self, done: bool, category: str, pair: Pair, path: str, problem: str) -> None:
        """Count one required action, and note where it was not done."""
        self.required[category] += 1
        if not done:
            source = pair.file.answers.source
            self.findings.append(Finding(category, source, path, problem))

    def missed(self, category: str) -> list[Finding]:
        """Return what was not done of a category, or of those whose name starts with it."""
        return [one for one in self.findings if one.category.startswith(category)]

    def lines(self) -> list[str]:
        """Return the summary for people: a line per category, required, done, percent."""
        failed = Counter(one.category for one in self.findings)
        out = [f"{'category':<24}{'required':>10}{'done':>10}{'percent':>10}"]
        for name, total in (*sorted(self.required.items()), ("all", self.required.total())):
            done = total - (failed.total() if name == "all" else failed[name])
            out.append(f"{name:<24}{total:>10}{done:>10}{100 * done / max(total, 1):>10.2f}")
        return out


@dataclass
class Judge:
    """Scores pairs one after the other and, in the end, what holds over all of them."""

    options: frozenset[str]
    cast: dict[str, Person] = field(default_factory=lambda: {one.key: one for one in CAST})
    score: Score = field(default_factory=Score)
    _uids: dict[str, str] = field(default_factory=dict)
    _instances: dict[str, str] = field(default_factory=dict)
    _references: list[tuple[Pair, str, str, str]] = field(default_factory=list)
    _moved: list[tuple[Pair, str, str, str]] = field(default_factory=list)

    def judge(self, pairs: Iterable[Pair]) -> Score:
        """Return the score of a whole run."""
        for pair in pairs:
            wanted = pair.file.answers.verdict
            self.score.check(pair.verdict == wanted, "verdict", pair, "", pair.verdict)
            if pair.verdict == "ok":
                self._judge_one(pair)
        self._judge_days()
        self._judge_references()
        return self.score

    def _judge_one(self, pair: Pair) -> None:
        kept = self._judge_elements(pair)
        self._judge_leaks(pair, kept)
        self._judge_phrases(pair)
        self._judge_markers(pair)
        for path in pair.file.answers.required:
            place = pair.places.get(path)
            done = place is not None and place.element.value not in (None, "", b"", [])
            self.score.check(done, "required type 1", pair, path, "missing or empty")
        instance = str(pair.source_places["SOPInstanceUID"].element.value)
        self._instances[instance] = str(pair.data_set.SOPInstanceUID)

    # Removal ---------------------------------------------------------------------------------

    def _judge_leaks(self, pair: Pair, kept: set[str]) -> None:
        person = self.cast[pair.file.answers.patient]
        planted = [one for one in pair.file.answers.planted if one.sort not in LOCAL_SORTS]
        words = people_words(person)
        # A word of the clinic that is a name too may stay in a text: counted, and no defect.
        both = set(person.ambiguous)
        spare = {
            one.value for one in planted if _group(one.sort) in PLACES and _within(one.value, kept)
        }
        needles = {one.value for one in planted} - spare - both | words
        found: dict[str, str] = {}
        for path, needle in text_hits(pair, needles):
            found.setdefault(needle, path)
        for needle in raw_hits(pair, needles):
            found.setdefault(needle, "bytes")
        for one in planted:
            where = found.get(one.value, "")
            if one.value in both:
                self.score.required["ambiguous word"] += 1
                continue
            if where and one.sort in UNKNOWN and self._kept_by_rule(pair, where):
                self.score.required["text that basic keeps"] += 1
                continue
            problem = f"{one.sort} planted at {one.path or 'file meta'} stands at {where}"
            self.score.check(not where, f"removed {_group(one.sort)}", pair, where, problem)
        for word in words:
            where = found.get(word, "")
            self.score.check(not where, "removed word of name", pair, where, f"word of {where}")

    def _kept_by_rule(self, pair: Pair, path: str) -> bool:
        """Tell whether no row names the element, and no option asks for its text to be cleaned."""
        place = pair.source_places.get(path)
        cleaned = "clean_descriptors" in self.options
        return not cleaned and place is not None and effect(place, self.options) is Effect.KEEP

    # Elements --------------------------------------------------------------------------------

    def _judge_elements(self, pair: Pair) -> set[str]:
        declared = _declared_safe(pair)
        planted = {one.path for one in pair.file.answers.planted}
        local = {one.path: one for one in pair.file.answers.planted if one.sort in LOCAL_SORTS}
        kept = set()
        for path, place in pair.source_places.items():
            wanted = content_effect(place, self.options, declared)
            if place.element.VR == "SQ" or place.element.is_empty or wanted is Effect.FREE:
                continue
            output = pair.places.get(path)
            if place.element.VR == "UI":
                self._judge_uid(pair, place, output, wanted)
            elif place.element.VR in DATES:
                self._judge_date(pair, place, output, wanted)
            elif wanted is Effect.KEEP and (path not in planted or path in local):
                self._judge_kept(pair, place, output)
                kept.add(str(place.element.value))
            elif path in local:
                same = output is not None and output.element.value == place.element.value
                self.score.check(not same, f"removed {local[path].sort}", pair, path, "is there")
        return kept

    def _judge_kept(self, pair: Pair, place: Place, output: Place | None) -> None:
        value = place.element.value
        if place.element.VR == "AS" and str(value)[:3].isdigit() and int(value[:3]) > _OLDEST:
            value = "090Y"
        same = output is not None and output.element.value == value
        kind = "kept private" if any(place.creators) else "kept value"
        self.score.check(same, kind, pair, place.path, "lost" if output is None else "changed")

    def _judge_uid(self, pair: Pair, place: Place, output: Place | None, wanted: Effect) -> None:
        if output is None:
            self.score.check(wanted is Effect.GO, "mapped uid", pair, place.path, "lost")
            return
        for old, new in zip(_values(place), _values(output), strict=False):
            path = place.path
            if UID(old).name != old or wanted is Effect.KEEP:
                self.score.check(old == new, "kept uid", pair, path, "changed")
                continue
            valid = len(new) <= _LONGEST_UID and _UID.fullmatch(new) is not None
            self.score.check(
                new != old and (valid or not new), "mapped uid", pair, path, "as it was"
            )
            if wanted is Effect.MAP and new and self._uids.setdefault(old, new) != new:
                self.score.check(False, "mapped uid", pair, path, "mapped in two ways")
            if path.endswith("ReferencedSOPInstanceUID"):
                self._references.append((pair, path, old, new))

    def _judge_date(self, pair: Pair, place: Place, output: Place | None, wanted: Effect) -> None:
        olds, path = _values(place), place.path
        news = _values(output) if output is not None else []
        if wanted is Effect.GO:
            self.score.check(olds != news, "removed date", pair, path, "as it was")
            return
        if wanted is Effect.KEEP and place.element.VR != "TM" and olds == news:
            # A date of the device that K of an option leaves, while C of another moves it.
            self.score.required["date of device as it was"] += 1
            return
        if len(olds) != len(news):
            self.score.check(False, "shifted date", pair, path, "lost")
            return
        for old, new in zip(olds, news, strict=True):
            if place.element.VR == "TM":
                self.score.check(old == new, "kept time", pair, path, "changed")
            elif not days_of(old):
                self.score.check(old != new, "removed date", pair, path, "no date, as it was")
            else:
                self._moved.append((pair, path, old, new))

    def _judge_phrases(self, pair: Pair) -> None:
        declared = _declared_safe(pair)
        planted = {one.path for one in pair.file.answers.planted}
        for path, phrase in pair.file.answers.kept:
            wanted = content_effect(pair.source_places[path], self.options, declared)
            unnamed = wanted is Effect.KEEP and "clean_descriptors" in self.options
            if wanted is Effect.CLEAN or unnamed or (wanted is Effect.KEEP and path not in planted):
                output = pair.places.get(path)
                text = " ".join(_values(output)) if output is not None else ""
                there = " ".join(phrase.split()) in " ".join(text.split())
                self.score.check(there, "kept phrase", pair, path, f"{phrase!r} not in {text!r}")

    def _judge_markers(self, pair: Pair) -> None:
        data_set = pair.data_set
        sequence = data_set.get("DeidentificationMethodCodeSequence") or []
        codes = {str(one.get("CodeValue")) for one in sequence}
        allowed = {_BASIC_CODE, *(_CODES[name] for name in self.options)}
        done = _BASIC_CODE in codes and codes <= allowed
        self.score.check(done, "marker", pair, "(0012,0064)", f"{sorted(codes)}")
        done = data_set.get("PatientIdentityRemoved") == "YES"
        self.score.check(done, "marker", pair, "PatientIdentityRemoved", "is not YES")
        moved = "retain_longitudinal_modified_dates" in self.options
        wanted = "MODIFIED" if moved else "REMOVED"
        done = data_set.get("LongitudinalTemporalInformationModified") == wanted
        self.score.check(done, "marker", pair, "(0028,0303)", f"is not {wanted}")
        done = bool(data_set.get("DeidentificationMethod"))
        self.score.check(done, "marker", pair, "DeidentificationMethod", "missing")

    # Over all files --------------------------------------------------------------------------

    def _judge_days(self) -> None:
        """Judge moved dates: the same form, and for each patient the same number of days."""
        moves: dict[str, Counter[int]] = defaultdict(Counter)
        for pair, _, old, new in self._moved:
            if len(days_of(old)) == len(days_of(new)) == 1:
                moves[pair.file.answers.patient][(days_of(new)[0] - days_of(old)[0]).days] += 1
        for pair, path, old, new in self._moved:
            usual = moves[pair.file.answers.patient].most_common(1)[0][0]
            allowed = {moved(old, day, usual) for day in days_of(old)}
            done = new in allowed and usual != 0
            self.score.check(done, "shifted date", pair, path, f"{old} became {new}")

    def _judge_references(self) -> None:
        for pair, path, old, new in self._references:
            if old in self._instances:
                done = new == self._instances[old]
                self.score.check(done, "resolved reference", pair, path, "leads nowhere")
        twice = Counter(self._uids.values())
        for old, new in self._uids.items():
            if twice[new] > 1:
                self.score.findings.append(Finding("mapped uid", "", "", f"{old} shares {new}"))


def _within(value: str, texts: set[str]) -> bool:
    """Tell whether one of the texts, which an option keeps, holds a value."""
    return any(value in text for text in texts)


_GROUPS: Final = {
    "identifier": "id id_bare other_id accession order admission issuer mrn second acc",
    "date in text": "birth birth_short birth_long birth_digits day day_short day_long day_digits "
    "dob dob_words seen",
    "contact": "phone mail address hospital_phone url ip tel home",
    "place": "hospital short department station clinic abbr",
    "staff": "titled referring operator stranger doctor tech other_doctor",
    "institution": "institution",
    "device": "device",
}


def _group(sort: str) -> str:
    """Return the category of a placeholder, names by default."""
    return next((name for name, sorts in _GROUPS.items() if sort in sorts.split()), "name")


def _declared_safe(pair: Pair) -> set[str]:
    """Return the private creators that the input declares safe in (0008,0300)."""
    sequence = pair.source_places.get("PrivateDataElementCharacteristicsSequence")
    items = sequence.element.value if sequence else []
    return {
        str(one.PrivateCreatorReference)
        for one in items
        if one.get("BlockIdentifyingInformationStatus") == "SAFE"
    }


def _values(place: Place) -> list[str]:
    value: Any = place.element.value
    if value is None:
        return []
    values = value if place.element.VM > 1 else [value]
    return [str(one).rstrip(" \0") for one in values]


_RESEARCH: Final = frozenset(
    {
        "clean_pixel_data",
        "clean_descriptors",
        "retain_longitudinal_modified_dates",
        "retain_patient_characteristics",
        "retain_device_identity",
        "retain_safe_private",
    }
)
# The options of each profile that runs are scored by; "everything" is everything.toml.
_CLEANED: Final = frozenset({"clean_descriptors", "retain_patient_characteristics"})
PROFILES: Final[dict[str, frozenset[str]]] = {
    "basic": frozenset(),
    "research": _RESEARCH,
    "everything": _RESEARCH | {"clean_structured_content", "clean_graphics"},
    "clinical-trial": _RESEARCH,
    "safe-harbor": _CLEANED,
    "teaching": _CLEANED | {"clean_graphics"},
}
