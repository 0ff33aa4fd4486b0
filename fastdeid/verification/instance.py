"""One output file: everything that is checked of it alone."""

from __future__ import annotations

import hashlib
import os
import stat
import warnings
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np

from fastdeid import tags
from fastdeid.dicom.writer import IMPLEMENTATION_CLASS_UID
from fastdeid.objects import is_remote
from fastdeid.options import CLEAN_DESCRIPTORS, RETAIN_UIDS, with_clean_pixel_data
from fastdeid.pixels.masked_box import MaskedBox
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import Profile
from fastdeid.shards import NOWHERE, Place, as_file
from fastdeid.verification.comparison import MapUid, compare
from fastdeid.verification.conformance import MARKERS, Names, ProfileCheck
from fastdeid.verification.enclosed import EnclosedCheck, is_enclosed
from fastdeid.verification.findings import Finding, tag_text
from fastdeid.verification.innocence import is_innocent
from fastdeid.verification.masked import boxes_are_filled
from fastdeid.verification.originals import UID
from fastdeid.verification.places import Content, read_places
from fastdeid.verification.searching import Hit, Searcher

_PADDING: Final = b" \0"
_META: Final = frozenset(
    (0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013)
)
# Transfer Syntax UID is compared with the link table, Implementation Class UID with ours.
_OF_FILE_META: Final = (tags.TRANSFER_SYNTAX_UID, 0x00020012)
_DIGEST_BYTES: Final = 32
_DEFERRED: Final = 1 << 16
_PIXELS: Final = (tags.PIXEL_DATA, tags.FLOAT_PIXEL_DATA, tags.DOUBLE_FLOAT_PIXEL_DATA)


class Row(msgspec.Struct, frozen=True):
    """What the link table says of one output. Its columns are those of `fastdeid.manifest`."""

    output_path: str
    output_size: int
    output_digest: str | None
    source_path: bytes
    patient: str | None
    accession_number: str | None
    study_instance_uid: str | None
    series_instance_uid: str | None
    sop_instance_uid: str | None
    frame_of_reference_uid: str | None
    transfer_syntax_uid: str | None
    pixel_length: int
    date_offset: int | None
    frames_examined: int | None = None
    masks: list[MaskedBox] | None = None
    shard: str | None = None
    shard_offset: int | None = None

    @property
    def place(self) -> Place:
        """Where the output stands."""
        if self.shard is None or self.shard_offset is None:
            return NOWHERE
        return Place(self.shard, self.shard_offset, self.output_size)


class InstanceCheck:
    """Checks one output after another.

    everybody: searches for whole names, IDs and UIDs of all patients of the release. pseudonyms: of
    the project key.
    references: SOP Instance UIDs that the files so far refer to. n_unchecked: files so far whose
    masked boxes could not be decoded.
    """

    def __init__(
        self, profile: Profile, target: str, everybody: Searcher, pseudonyms: Pseudonyms
    ) -> None:
        self._profile = profile
        self._retains_uids = RETAIN_UIDS in profile.options
        self._cleans_texts = CLEAN_DESCRIPTORS in profile.options
        self._everybody = everybody
        self._target = self._path = target
        self.rules = ProfileCheck(profile)
        self.references: set[str] = set()
        self.n_unchecked = 0
        self._enclosed = EnclosedCheck(pseudonyms) if profile.settings.reversible else None
        # Whether encrypted originals of the file at hand are what they should be: then what may
        # look like a value in them is chance.
        self._is_sealed = False

    def find(
        self, row: Row, searcher: Searcher, source: Content | None, map_uid: MapUid | None
    ) -> Iterator[Finding]:
        """Yield what is wrong with one output. A file that cannot be read is a finding, too.

        source: the data set of its source file, None for no comparison. map_uid: see `compare`.
        """
        name = row.output_path
        try:
            with as_file(self._target, name, row.place) as path:
                # A copy of what stands in a shard or an object store is reached by a link.
                copied = row.shard or is_remote(self._target)
                status = os.stat(path) if copied else os.lstat(path)
                if stat.S_ISREG(status.st_mode):
                    self._path = path
                    yield from self._find(row, searcher, source, map_uid)
                else:
                    yield Finding(name, "not_a_regular_file")
        except (FileNotFoundError, NotADirectoryError):
            yield Finding(name, "missing")

    def _find(
        self, row: Row, searcher: Searcher, source: Content | None, map_uid: MapUid | None
    ) -> Iterator[Finding]:
        path, name = self._path, row.output_path
        status = os.stat(path)
        if any(attribute.startswith("user.") for attribute in _attributes(path)):
            yield Finding(name, "extended_attributes")
        if status.st_size != row.output_size:
            yield Finding(name, "size_differs")
        if not status.st_size:
            yield Finding(name, "damaged")
            return
        data = np.memmap(path, np.uint8, "r")
        if row.output_digest and _digest(data) != row.output_digest:
            yield Finding(name, "digest_differs")
        contents = read_places(data)
        yield from self._sealed(row, contents[-1])
        yield from self._originals(row, contents, searcher)
        yield from self._structure(row, contents)
        yield from self._boxes(row, contents[-1])
        if source is not None:
            yield from compare(
                *(self.rules, source, contents[-1]),
                path=name,
                offset=row.date_offset,
                map_uid=map_uid,
                masks=row.masks or (),
            )

    def _sealed(self, row: Row, content: Content) -> Iterator[Finding]:
        self._is_sealed = False
        if self._enclosed is not None:
            kind = self._enclosed.find(content, row.sop_instance_uid or "")
            self._is_sealed = not kind
            if kind:
                tag = tag_text(tags.ENCRYPTED_ATTRIBUTES_SEQUENCE)
                yield Finding(row.output_path, kind, tag)

    def _boxes(self, row: Row, content: Content) -> Iterator[Finding]:
        if row.masks:
            is_filled = boxes_are_filled(content.data, row.masks)
            self.n_unchecked += is_filled is None
            if is_filled is False:
                yield Finding(row.output_path, "box_not_filled", tag_text(tags.PIXEL_DATA))

    def _originals(
        self, row: Row, contents: list[Content], searcher: Searcher
    ) -> Iterator[Finding]:
        inner, names = contents[-1], _names(row)
        for content in contents:
            own = list(searcher.find(content.data, content.places))
            others = self._everybody.find_in_text(content.data, content.places)
            known = {hit.offset for hit in own}
            found = [("original_value", hit) for hit in own]
            found += [("other_patient", hit) for hit in others if hit.offset not in known]
            for kind, hit in found:
                place = hit.place
                if self._retains_uids and hit.needle.kind == UID:
                    continue
                if content is inner and (
                    (self._is_sealed and is_enclosed(place.path, place.tag))
                    or self.rules.is_made(content, place, names)
                    or self._is_innocent(content, hit, kind)
                ):
                    continue
                tag = tag_text(place.tag)
                yield Finding(row.output_path, kind, tag, hit.offset, hit.needle.kind)

    def _is_innocent(self, content: Content, hit: Hit, kind: str) -> bool:
        if kind != "original_value" or not hit.place.tag:
            return False
        rules, place = self.rules.rules_of(content), hit.place
        retained = rules.retains(place.tag, rules.context_of(place.path))
        return is_innocent(content, hit, retained=retained, cleaned=self._cleans_texts)

    def _structure(self, row: Row, contents: list[Content]) -> Iterator[Finding]:
        name = row.output_path
        for content in contents:
            if content.fault >= 0:
                yield Finding(name, "damaged", "", content.fault)
        inner = contents[-1]
        yield from self._file_meta(row, contents[0])
        for kind, place in self.rules.find(inner, _names(row)):
            yield Finding(name, kind, tag_text(place.tag), place.start)
        rules = self.rules.rules_of(inner)
        for place in inner.places:
            if place.vr != "UI" or place.tag in _OF_FILE_META:
                continue
            # Options may keep UIDs, of devices or all of them.
            if place.tag >> 16 == 2 or not self.rules.keeps(rules, place):
                yield from self._uids(name, inner, place.tag, place.start, place.end)
        yield from self._read_with_pydicom(row)

    def _file_meta(self, row: Row, content: Content) -> Iterator[Finding]:
        name = row.output_path
        if not content.transfer_syntax:
            yield Finding(name, "damaged", "", 0)
        if content.data[:128].any():
            yield Finding(name, "preamble", "", 0)
        for place in [one for one in content.places if one.tag >> 16 == 2]:
            raw = content.data[place.start : place.end].tobytes().strip(_PADDING)
            ours = place.tag != 0x00020012 or raw == IMPLEMENTATION_CLASS_UID
            if place.tag not in _META or not ours:
                yield Finding(name, "file_meta", tag_text(place.tag), place.start)
        if content.transfer_syntax != row.transfer_syntax_uid:
            yield Finding(name, "transfer_syntax_differs", tag_text(tags.TRANSFER_SYNTAX_UID))

    def _uids(
        self, name: str, content: Content, tag: int, start: int, end: int
    ) -> Iterator[Finding]:
        for value in content.data[start:end].tobytes().split(b"\\"):
            uid = value.strip(_PADDING)
            if not self._retains_uids and not self.rules.is_mapped(uid):
                yield Finding(name, "uid_not_mapped", tag_text(tag), start)
            elif tag == 0x00081155:
                self.references.add(uid.decode("ascii", "replace"))

    def _read_with_pydicom(self, row: Row) -> Iterator[Finding]:
        """Compare what another reader makes of the file with the link table and the profile."""
        from pydicom import dcmread

        path = self._path
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                data_set = dcmread(path, defer_size=_DEFERRED)
                yield from self._identities(row, data_set)
                yield from self._markers(row, data_set)
            except Exception:  # noqa: BLE001 - whatever a damaged file makes pydicom raise
                yield Finding(row.output_path, "damaged")

    def _identities(self, row: Row, data_set: Any) -> Iterator[Finding]:
        expected = {
            tags.SOP_INSTANCE_UID: row.sop_instance_uid,
            tags.STUDY_INSTANCE_UID: row.study_instance_uid,
            tags.SERIES_INSTANCE_UID: row.series_instance_uid,
            tags.FRAME_OF_REFERENCE_UID: row.frame_of_reference_uid,
            tags.ACCESSION_NUMBER: row.accession_number,
            tags.PATIENT_ID: row.patient,
            tags.PATIENT_NAME: row.patient,
        }
        for tag, pseudonym in expected.items():
            found = str(data_set[tag].value or "") if tag in data_set else ""
            # An input without a Patient ID keeps that.
            may_be_empty = tag in {tags.PATIENT_ID, tags.PATIENT_NAME}
            if found != (pseudonym or "") and (found or not may_be_empty):
                yield Finding(row.output_path, "pseudonym_differs", tag_text(tag))
        meta = str(data_set.file_meta.get("MediaStorageSOPInstanceUID", ""))
        if meta != str(row.sop_instance_uid):
            yield Finding(row.output_path, "pseudonym_differs", "(0002,0003)")
        length = next((_length(data_set, tag) for tag in _PIXELS if tag in data_set), 0)
        if length >= 0 and length != row.pixel_length:
            yield Finding(row.output_path, "pixel_length_differs", tag_text(tags.PIXEL_DATA))

    def _are_claims(self, codes: list[tuple[str, str, str]], *, examined: bool) -> bool:
        """Tell whether the profile claims these codes; fewer where conditions may cost a claim."""
        claims = [tuple(code) for code in self._profile.codes]
        if examined:
            claims = list(with_clean_pixel_data(tuple(self._profile.codes)))
        return codes == claims or (self._profile.has_conditions and set(codes) < set(claims))

    def _markers(self, row: Row, data_set: Any) -> Iterator[Finding]:
        """Compare what the output says was done with what the profile does."""
        profile = self._profile
        found = {tag: data_set[tag].value if tag in data_set else None for tag in MARKERS}
        removed, method, codes, dates = (found[tag] for tag in MARKERS)
        triples = [
            (str(item.CodeValue), str(item.CodingSchemeDesignator), str(item.CodeMeaning))
            for item in codes or ()
        ]
        moved = "REMOVED" if not any("dates" in one for one in profile.options) else str(dates)
        true = {
            MARKERS[0]: removed == "YES",
            MARKERS[1]: profile.method in ([method] if isinstance(method, str) else method or ()),
            MARKERS[2]: self._are_claims(triples, examined=bool(row.frames_examined)),
            MARKERS[3]: dates == moved,
        }
        if row.frames_examined and data_set.get("BurnedInAnnotation") != "NO":
            yield Finding(row.output_path, "marker_untrue", tag_text(tags.BURNED_IN_ANNOTATION))
        for tag, is_true in true.items():
            if not found[tag] and not (tag == MARKERS[2] and is_true):
                yield Finding(row.output_path, "marker_missing", tag_text(tag))
            elif not is_true and not self._conditional(tag):
                yield Finding(row.output_path, "marker_untrue", tag_text(tag))

    def _conditional(self, tag: int) -> bool:
        """Tell whether the value depends on conditions of the profile that an instance may meet."""
        return tag != MARKERS[0] and bool(getattr(self._profile, "has_conditions", False))


def _names(row: Row) -> Names:
    return Names((row.patient or "").encode(), (row.accession_number or "").encode())


def _length(data_set: Any, tag: int) -> int:
    """Return the bytes of native pixel data, -1 where their number is not that of the value."""
    element = data_set.get_item(tag)
    length = getattr(element, "length", None)
    return -1 if length is None or length == 0xFFFFFFFF else int(length)


def _attributes(path: str) -> list[str]:
    try:
        return os.listxattr(path)
    except OSError:
        return []


def _digest(data: np.ndarray[Any, np.dtype[np.uint8]]) -> str:
    return hashlib.blake2b(data.data, digest_size=_DIGEST_BYTES).hexdigest()
