"""What holds for all files of one patient with the same SOP Class, character set and encoding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from fastdeid import tags
from fastdeid.actions import Context, is_one_uid
from fastdeid.available import require_available
from fastdeid.dicom.encodings import EXPLICIT_BIG, IMPLICIT_LITTLE
from fastdeid.dicom.text import decode, parse_charsets
from fastdeid.errors import DicomError
from fastdeid.kernels.rules import CONSTANT, DEFERRED, PER_PATIENT
from fastdeid.kinds import Kind
from fastdeid.markers import Markers, make_markers
from fastdeid.options import with_clean_pixel_data
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.reversible import Envelope
from fastdeid.rules import Profile, Rules

_PADDING: Final = b" \0"
_NAMES: Final = (
    *("sop_class_uid", "specific_character_set", "patient_id", "issuer_of_patient_id"),
    *("patient_name", "patient_birth_date", "mime_type_of_encapsulated_document"),
)
# Burned In Annotation, of images every frame of which was examined.
_NO: Final = ((tags.BURNED_IN_ANNOTATION, "CS", "NO"),)
# Beyond so many the settings are forgotten: an archive has more patients than fit into memory.
_MOST: Final = 1 << 14


class Setting(msgspec.Struct):
    """Rules, replacements and pseudonyms that hold for a file.

    implicit: the context for values in implicit VR little endian, such as all in a UN sequence.
    shared, patient: numbers under which the memo keeps results that depend on the file, and on its
    patient. traits: shape (n_kinds,), PER_PATIENT for a kind that needs the second, CONSTANT for
    one whose result is the same for every value, DEFERRED for texts. uid_kind: the kind of plain
    UIDs. date_offset: in days. markers: of outputs whose frames were not examined. encoding,
    inserted, method: what the markers of others are made of. envelope: encloses originals, None for
    irreversible outputs. is_met: a file was decided under it.
    """

    rules: Rules
    context: Context
    implicit: Context
    shared: int
    patient: int
    traits: npt.NDArray[np.uint8]
    uid_kind: int
    date_offset: int
    markers: Markers
    encoding: int
    inserted: tuple[tuple[int, str, str], ...]
    method: str
    envelope: Envelope | None = None
    _examined: Markers | None = None
    is_met: bool = False

    @property
    def examined_markers(self) -> Markers:
        """The markers of an output every frame of which was examined."""
        if self._examined is None:
            rules = self.rules
            own = () if _NO[0][0] in [tag for tag, _, _ in self.inserted] else _NO
            self._examined = make_markers(
                self.method,
                with_clean_pixel_data(rules.claims),
                self.encoding,
                temporal=rules.temporal,
                inserted=(*self.inserted, *own),
            )
        return self._examined


class Settings:
    """The settings met so far. Raises ProfileError, see `available`."""

    def __init__(self, profile: Profile, pseudonyms: Pseudonyms) -> None:
        require_available(profile.settings)
        self._profile = profile
        self._pseudonyms = pseudonyms
        self._envelope = Envelope(pseudonyms) if profile.settings.reversible else None
        self._known: dict[tuple[object, ...], Setting] = {}
        self._shared: dict[tuple[object, ...], int] = {}
        self._n_made = 0

    def find(self, values: Mapping[str, bytes], encoding: int, *, references: bool) -> Setting:
        """Return the setting of a file.

        values: by the names of `fastdeid.attributes`, b"" for absent ones. references: the file
        lists the instances that it refers to. Raises DicomError when the SOP Class is missing or
        cannot be cleaned.
        """
        # Without a Patient ID (and a name) the study stands for the patient.
        study = b"" if values["patient_id"].strip(_PADDING) else values["study_instance_uid"]
        raw = tuple(values[name] for name in _NAMES)
        conditions = self._conditions(values)
        key = (encoding, references, study, raw, conditions)
        setting = self._known.get(key)
        if setting is None:
            if len(self._known) >= _MOST:
                self._known.clear()
                self._shared.clear()
            setting = self._known[key] = self._make(
                encoding, study, raw, references=references, conditions=conditions
            )
        return setting

    def _conditions(self, values: Mapping[str, bytes]) -> frozenset[int]:
        """Return which of the profile's conditions a file meets."""
        if not self._profile.has_conditions:
            return frozenset()
        charsets = parse_charsets(values["specific_character_set"])
        names = ("modality", "sop_class_uid", "manufacturer")
        return self._profile.conditions_met(*(_text(values[name], charsets) for name in names))

    def _make(
        self,
        encoding: int,
        study: bytes,
        raw: tuple[bytes, ...],
        *,
        references: bool,
        conditions: frozenset[int],
    ) -> Setting:
        sop_class, charset, patient_id, issuer, name, birth_date, mime_type = raw
        sop_class_uid = sop_class.strip(_PADDING).decode("ascii", "replace")
        rules = self._rules(sop_class_uid, references=references, conditions=conditions)
        charsets = parse_charsets(charset)
        patient = self._pseudonyms.patient(
            *(_text(value, charsets) for value in (patient_id, issuer, name, birth_date, study))
        )
        traits = np.array([_traits(kind) for kind in rules.kinds], np.uint8)
        traits.setflags(write=False)
        shared_key = (encoding, sop_class, charset, mime_type)
        self._n_made += 1
        inserted = tuple((i.tag, i.vr, i.for_patient(patient)) for i in rules.insertions)
        context = Context(
            patient=patient,
            charsets=charsets,
            explicit=encoding != IMPLICIT_LITTLE,
            big_endian=encoding == EXPLICIT_BIG,
            mime_type=mime_type.strip(_PADDING).decode("ascii", "replace"),
            sop_class=sop_class_uid,
            date_offset=self._pseudonyms.date_offset(patient),
            time_offset=(
                self._pseudonyms.time_offset(patient) if self._profile.settings.shift_times else 0
            ),
        )
        return Setting(
            rules=rules,
            context=context,
            implicit=msgspec.structs.replace(context, explicit=False, big_endian=False),
            shared=self._shared.setdefault(shared_key, 2 * self._n_made),
            patient=2 * self._n_made + 1,
            traits=traits,
            uid_kind=_uid_kind(rules),
            date_offset=context.date_offset,
            markers=make_markers(
                self._profile.method,
                rules.claims,
                encoding,
                temporal=rules.temporal,
                inserted=inserted,
            ),
            encoding=encoding,
            inserted=inserted,
            method=self._profile.method,
            envelope=self._envelope,
        )

    def _rules(self, sop_class_uid: str, *, references: bool, conditions: frozenset[int]) -> Rules:
        if not sop_class_uid:
            raise DicomError("no_sop_class_uid", tags.SOP_CLASS_UID)
        rules = self._profile.rules(sop_class_uid, references=references, conditions=conditions)
        if rules.refused:
            raise DicomError(rules.refused, tags.SOP_CLASS_UID)
        if not rules.storage:
            raise DicomError("sop_class_not_supported", tags.SOP_CLASS_UID)
        return rules


def _traits(kind: Kind) -> int:
    is_constant = kind.replace == "dummy" and not kind.harvest
    traits = ((PER_PATIENT, kind.per_patient), (CONSTANT, is_constant), (DEFERRED, kind.deferred))
    return sum(trait for trait, holds in traits if holds)


def _uid_kind(rules: Rules) -> int:
    for number, kind in enumerate(rules.kinds):
        if kind.vr == "UI" and is_one_uid(kind, b""):
            return number
    return -1


def _text(raw: bytes, charsets: tuple[str, ...]) -> str:
    text = decode(raw, charsets)
    return (raw.decode("latin_1") if text is None else text).strip(" \0")
