"""Every element of an output against the compiled profile, by a check of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from fastdeid import tags
from fastdeid.codes import Operation
from fastdeid.documents import dummy_document
from fastdeid.dummies import ORGANISATION_ROOT, dummy_items, dummy_value
from fastdeid.errors import DicomError
from fastdeid.kinds import Kind
from fastdeid.rules import Profile, Rules
from fastdeid.verification.places import Content, Place, read_data_set

# Written by every run, see `markers`; what they say is checked elsewhere.
MARKERS: Final = (
    *(tags.PATIENT_IDENTITY_REMOVED, tags.DEIDENTIFICATION_METHOD),
    tags.DEIDENTIFICATION_METHOD_CODE_SEQUENCE,
    tags.LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
)
_PADDING: Final = b" \0"
_CODE: Final = re.compile(rb"[0-9A-HJKMNP-TV-Z]{16}")
_ROOT: Final = b"2.25."
_LISTS: Final = (
    tags.REFERENCED_SERIES_SEQUENCE,
    tags.STUDIES_CONTAINING_OTHER_REFERENCED_INSTANCES_SEQUENCE,
)
# RFC 9562 section 5.8: the bits of a version-8 UUID that are always the same.
_UUID_MASK: Final = (0xF << 76) | (0x3 << 62)
_UUID_BITS: Final = (0x8 << 76) | (0x2 << 62)


class Names(NamedTuple):
    """The pseudonyms that a file should have: patient code and accession number."""

    patient: bytes
    accession_number: bytes


class ProfileCheck:
    """Checks the elements of one file after another.

    shifts_times: a date may go on by a day with the time beside it.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._keeps_private = _keeps_private(profile)
        self.shifts_times = profile.settings.shift_times
        self._inserted = frozenset(MARKERS) | _inserted(profile)
        self._decided: dict[tuple[int, tuple[int, ...], int], tuple[Operation, Kind | None]] = {}
        self._dummies: dict[tuple[int, str, bool, bool], dict[tuple[object, ...], set[bytes]]] = {}

    def rules_of(self, content: Content) -> Rules:
        """Return the rules that hold for a file."""
        values = {
            place.tag: content.data[place.start : place.end].tobytes().strip(_PADDING)
            for place in content.places
            if not place.path and place.tag in _DECIDING
        }
        sop_class, modality, manufacturer = (
            values.get(tag, b"").decode("ascii", "replace") for tag in _DECIDING
        )
        references = any(_LISTED.intersection(place.path[:1]) for place in content.places)
        rules_of: Any = self._profile.rules
        met = getattr(self._profile, "conditions_met", None)
        if met is None:
            return self._profile.rules(sop_class, references=references)
        conditions = met(modality, sop_class, manufacturer)
        rules: Rules = rules_of(sop_class, references=references, conditions=conditions)
        return rules

    def find(self, content: Content, names: Names) -> Iterator[tuple[str, Place]]:
        """Yield kind of finding and place of every element that is not as the profile wants it."""
        rules = self.rules_of(content)
        mime = _value(content, tags.MIME_TYPE_OF_ENCAPSULATED_DOCUMENT)
        for place in content.places:
            if (
                not place.tag
                or place.tag >> 16 == 2
                or (place.path or (place.tag,))[0] in (self._inserted)
            ):
                continue
            kind = self._check(content, place, rules, names, mime)
            if kind:
                yield kind, place

    def is_made(self, content: Content, place: Place, names: Names) -> bool:
        """Tell whether an element is a replacement, marker or dummy, exactly as the profile wants.

        What stands there is ours, whatever it looks like: a pseudonym may hold the letters of a
        name.
        """
        if not place.tag or place.tag >> 16 == 2:
            return False
        if (place.path or (place.tag,))[0] in MARKERS:
            return True  # compared with the profile by value
        rules = self.rules_of(content)
        outer = [
            self._decide(rules, place.path[:depth], tag)
            for depth, tag in enumerate((*place.path, place.tag))
        ]
        replaced = any(
            kind is not None and operation is Operation.REPLACE and kind.replace in _EXACT
            for operation, kind in outer
        )
        mime = _value(content, tags.MIME_TYPE_OF_ENCAPSULATED_DOCUMENT)
        return replaced and not self._check(content, place, rules, names, mime)

    def keeps(self, rules: Rules, place: Place) -> bool:
        """Tell whether an element stays as it is, and so do the sequences around it."""
        return all(
            self._decide(rules, place.path[:depth], tag)[0] is Operation.KEEP
            for depth, tag in enumerate((*place.path, place.tag))
        )

    def is_shifted(self, rules: Rules, place: Place) -> bool:
        """Tell whether the dates of an element are moved by the patient's offset."""
        _, kind = self._decide(rules, place.path, place.tag)
        return kind is not None and kind.replace == "shift"

    def is_registered(self, uid: bytes) -> bool:
        """Tell whether a UID is one of the standard, or empty."""
        return not uid or uid in self._profile.registry

    def _check(
        self, content: Content, place: Place, rules: Rules, names: Names, mime: bytes
    ) -> str:
        """Return the kind of finding for one element with a value, "" for none."""
        for depth, tag in enumerate(place.path):
            operation, kind = self._decide(rules, place.path[:depth], tag)
            if operation is Operation.REPLACE and kind is not None and kind.replace == "items":
                return self._check_dummy(content, place, depth, rules)
            if operation is not Operation.KEEP:
                return self._refusal(tag, operation)
        operation, kind = self._decide(rules, place.path, place.tag)
        if operation is Operation.KEEP:
            return self._check_vr(place, rules)
        raw = content.data[place.start : place.end].tobytes()
        if operation is Operation.REPLACE and kind is not None:
            return "" if self._is_replacement(kind, raw, names, mime) else "not_replaced"
        return self._refusal(place.tag, operation) if raw.strip(_PADDING) else ""

    def _refusal(self, tag: int, operation: Operation) -> str:
        if (tag >> 16) % 2:
            return "" if self._keeps_private else "private_attribute"
        return "not_emptied" if operation is Operation.EMPTY else "not_removed"

    def _decide(
        self, rules: Rules, path: tuple[int, ...], tag: int
    ) -> tuple[Operation, Kind | None]:
        key = (id(rules), path, tag)
        decided = self._decided.get(key)
        if decided is None:
            operation, kind = rules.decide(tag, rules.context_of(path))
            decided = (operation, rules.kinds[kind] if kind >= 0 else None)
            self._decided[key] = decided
        return decided

    def _check_vr(self, place: Place, rules: Rules) -> str:
        """Find a name, date or UID that stands under a VR that its attribute does not have."""
        number = tags.VR_NUMBERS.get(place.vr, 0)
        attribute_vr = self._profile.dictionary_vrs[self._slot(place.tag)]
        goes = rules.private[number][2] and attribute_vr != number
        return "not_removed" if goes else ""

    def _slot(self, tag: int) -> int:
        from fastdeid.lookup import find_tag

        return int(find_tag(self._profile.general_keys, tag))

    def _is_replacement(self, kind: Kind, raw: bytes, names: Names, mime: bytes) -> bool:
        value = raw.strip(_PADDING)
        if kind.replace == "map_uid":
            return all(self.is_mapped(one.strip(_PADDING)) for one in raw.split(b"\\"))
        if kind.replace in {"patient_id", "patient_name"}:
            return value in {names.patient, b""}
        if kind.replace == "accession":
            return value in {names.accession_number, b""} or bool(_CODE.fullmatch(value))
        if kind.replace == "dummy":
            return value in {dummy_value(kind.vr, kind.vm, kind.tag).strip(_PADDING), b""}
        if kind.replace == "document":
            try:
                return value == dummy_document(mime.decode("ascii", "replace")).strip(_PADDING)
            except DicomError:
                return False
        return True

    def is_mapped(self, uid: bytes) -> bool:
        """Tell whether a UID is of the standard, a dummy, or may be one that fastdeid has made."""
        if not uid or uid in self._profile.registry or uid.startswith(ORGANISATION_ROOT):
            return True
        digits = uid.removeprefix(_ROOT)
        return (
            uid.startswith(_ROOT)
            and digits.isdigit()
            and int(digits) & _UUID_MASK == _UUID_BITS
            and int(digits) >> 128 == 0
        )

    def _check_dummy(self, content: Content, place: Place, depth: int, rules: Rules) -> str:
        """Compare an element within a dummy sequence with those that the dummy has."""
        explicit = content.transfer_syntax != tags.IMPLICIT_VR_LITTLE_ENDIAN
        big = content.transfer_syntax == tags.EXPLICIT_VR_BIG_ENDIAN
        key = (place.path[depth], rules.sop_class_uid, explicit, big)
        if key not in self._dummies:
            items = dummy_items(key[0], key[1], explicit=explicit, big_endian=big)
            known: dict[tuple[object, ...], set[bytes]] = {}
            for one in read_data_set(items, explicit=explicit, big_endian=big):
                known.setdefault((one[0], one[1]), set()).add(one[2])
            self._dummies[key] = known
        raw = content.data[place.start : place.end].tobytes()
        allowed = self._dummies[key].get((place.path[depth + 1 :], place.tag), set())
        return "" if raw in allowed else "not_replaced"


_EXACT: Final = frozenset(
    ("dummy", "items", "document", "patient_id", "patient_name", "accession", "map_uid")
)
_DECIDING: Final = (tags.SOP_CLASS_UID, tags.MODALITY, tags.MANUFACTURER)
_LISTED: Final = frozenset(_LISTS)


def _value(content: Content, tag: int) -> bytes:
    for place in content.places:
        if place.tag == tag and not place.path:
            return content.data[place.start : place.end].tobytes().strip(_PADDING)
    return b""


def _keeps_private(profile: Profile) -> bool:
    """Tell whether some private attributes stay under a profile."""
    settings = getattr(profile, "settings", None)
    overrides = getattr(settings, "overrides", ())
    return any("private" in option for option in profile.options) or any(
        getattr(override, "private", None) for override in overrides
    )


def _inserted(profile: Profile) -> frozenset[int]:
    """Return the attributes that a profile sets to values of its own."""
    insertions = getattr(getattr(profile, "settings", None), "insertions", ())
    set_anew = frozenset(insertion.tag for insertion in insertions)
    if profile.settings.reversible:
        set_anew |= {tags.ENCRYPTED_ATTRIBUTES_SEQUENCE}
    return set_anew
