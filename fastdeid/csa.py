"""Siemens CSA headers, (0029,xx10) and (0029,xx20) of SIEMENS CSA HEADER, with physics and no more.

Siemens does not publish the format; it is as its readers describe it (SPM, nibabel, dcm2niix). A
header is a list of named tags. What is not on the list below becomes zeros in place, so that every
length and position stays. MEC_MR3 of Toshiba and Canon, which nobody describes, is not kept.
"""

from __future__ import annotations

import re
import struct
from typing import Final, NamedTuple

from fastdeid.ascconv import scrub_protocol
from fastdeid.tags import VR_NUMBERS

# Real headers have about 100 tags and at most some hundred KB, most of it the protocol.
_MOST_TAGS: Final = 1000
_MOST_BYTES: Final = 4 << 20
_MAGIC: Final = b"SV10\4\3\2\1"
_TAG: Final = struct.Struct("<64si4s3i")
_ITEM: Final = struct.Struct("<4i")
_MARK: Final = 77
_MARKS: Final = frozenset({77, 205})
_MOST_VALUES: Final = 1 << 12
_LAST_SYNGO_TYPE: Final = 64

_SMALL: Final = re.compile(rb"[+-]?[0-9]{1,6} *")
_LARGE: Final = re.compile(rb"[+-]?[0-9]{1,9} *")
_REAL: Final = re.compile(rb"[+-]?[0-9]{1,6}(?:\.[0-9]{0,16})?(?:[eE][+-]?[0-9]{1,3})? *")
# Milliseconds, in some versions since midnight.
_TIME: Final = re.compile(rb"[+-]?[0-9]{1,8}(?:\.[0-9]{0,16})?(?:[eE][+-]?[0-9]{1,3})? *")


def _words(*words: str) -> re.Pattern[bytes]:
    return re.compile(b"(?:" + "|".join(words).encode("ascii") + b") *")


_NUMBERS: Final = {
    _SMALL: """
        AbsTablePosition AcquisitionMatrix Actual3DImaPartNumber CardiacNumberOfImages Columns
        CsiImageHeader DataPointColumns DataPointRows EchoColumnPosition EchoLinePosition
        EchoNumbers EchoPartitionPosition EchoTrainLength FlowVenc ImaAbsTablePosition
        ImaRelTablePosition MultistepIndex NominalInterval NonPlanarImage NumberOfAverages
        NumberOfFrames NumberOfImagesInMosaic NumberOfPhaseEncodingSteps PercentPhaseFieldOfView
        PercentSampling PhaseEncodingDirectionPositive ProtocolSliceNumber ReconstructionIndex
        RelTablePosition Rows SpectroscopyAcquisitionDataColumns
        SpectroscopyAcquisitionOut-of-planePhaseSteps SpectroscopyAcquisitionPhaseColumns
        SpectroscopyAcquisitionPhaseRows B_value
    """,
    _LARGE: "MrProtocolVersion RealDwellTime",
    _REAL: """
        AngleOfCoverage B1rms B_matrix BandwidthPerPixelPhaseEncode CsiGridshiftVector
        DiffusionGradientDirection EchoTime FlipAngle FlowEncodingDirection
        GradientEchoTrainLength ImageOrientationPatient ImagePositionPatient ImagingFrequency
        InversionTime MagneticFieldStrength MixingTime PhaseGradientAmplitude PixelBandwidth
        PixelSpacing ReadoutGradientAmplitude ReadoutOS RepetitionTime RfEchoTrainLength
        SelectionGradientAmplitude SliceMeasurementDuration SliceNormalVector SlicePosition_PCS
        SliceResolution SliceThickness SpacingBetweenSlices SpectrallySelectedSuppressionFrequency
        VoxelInPlaneRotation VoxelNormal VoxelOrientation VoxelPhaseFOV VoxelPosition
        VoxelReadoutFOV VoxelThickness dBdt
    """,
    _TIME: "MosaicRefAcqTimes TimeAfterStart TriggerTime",
}
_WORDS: Final = {
    "AcquisitionMatrixText": _words(r"[0-9]{1,4}[ps]?\*[0-9]{1,4}[ps]?"),
    "AngioFlag": _words("Y", "N"),
    "DiffusionDirectionality": _words("BMATRIX", "DIRECTIONAL", "ISOTROPIC", "NONE"),
    "FlowCompensation": _words("Yes", "No"),
    "GradientMode": _words("Fast", "Normal", "Performance", "Whisper"),
    "ICE_Dims": _words("(?:X|[0-9]{1,4})(?:_(?:X|[0-9]{1,4})){1,24}"),
    "ImaPATModeText": _words("p[0-9]{1,2}(?:x[0-9]{1,2})?"),
    "PATModeText": _words("p[0-9]{1,2}(?:x[0-9]{1,2})?"),
    "PhaseEncodingDirection": _words("ROW", "COL"),
    "SequenceFileOwner": _words("SIEMENS", "USER"),
}
# Tags that are kept, and what their values may be.
PHYSICS: Final = {
    **{
        name.encode("ascii"): pattern
        for pattern, names in _NUMBERS.items()
        for name in names.split()
    },
    **{name.encode("ascii"): pattern for name, pattern in _WORDS.items()},
}
# Tags that hold the protocol as text, of which some numbers are kept.
PROTOCOLS: Final = frozenset({b"MrPhoenixProtocol", b"MrProtocol"})


class _Tag(NamedTuple):
    """A tag: where it begins, its header, and place and length of each value.

    vr is b"" for one that a CSA header cannot have.
    """

    at: int
    name: bytes
    vm: int
    vr: bytes
    syngo_type: int
    mark: int
    items: list[tuple[int, int, int]]


def scrub(raw: bytes) -> bytes | None:
    """Return a CSA header of the same length that has values of physics only.

    None when the bytes are not a CSA header from the first tag to the last: nothing of them may be
    kept. What stands behind the last tag becomes zeros.
    """
    if len(raw) > _MOST_BYTES:
        return None
    out = bytearray(len(raw))
    is_second = raw.startswith(b"SV10")
    start = len(_MAGIC) if is_second else 0
    if len(raw) < start + 8:
        return None
    n_tags = int.from_bytes(raw[start : start + 4], "little")
    if not 0 < n_tags <= _MOST_TAGS:
        return None
    if is_second:
        out[:start] = _MAGIC
    out[start : start + 8] = struct.pack("<2I", n_tags, _MARK)
    for extra in (0,) if is_second else (0, _first_count(raw)):
        tags = _read_tags(raw, start + 8, n_tags, extra)
        if tags is not None:
            for tag in tags:
                _write(out, raw, tag, extra)
            return bytes(out)
    return None


def _first_count(raw: bytes) -> int:
    """Return the number of values of the first tag, of the older form."""
    return int.from_bytes(raw[8 + 76 : 8 + 80], "little", signed=True)


def _read_tags(raw: bytes, at: int, n_tags: int, extra: int) -> list[_Tag] | None:
    """Return the tags, None where the bytes are none.

    extra: what has to be subtracted from a length; in the older form some readers (SPM) subtract
    the number of values of the first tag, others (GDCM) nothing.
    """
    tags = []
    for _ in range(n_tags):
        if at + _TAG.size > len(raw):
            return None
        name, vm, vr, syngo_type, n_items, mark = _TAG.unpack_from(raw, at)
        vr = vr.partition(b"\0")[0]
        if n_items < 0 or vr.decode("latin_1") not in VR_NUMBERS:
            return None
        position = at + _TAG.size
        items: list[tuple[int, int, int]] = []
        for _ in range(n_items):
            if position + _ITEM.size > len(raw):
                return None
            _, length, item_mark, _ = _ITEM.unpack_from(raw, position)
            length -= extra
            position += _ITEM.size
            if not 0 <= length <= len(raw) - position:
                return None
            items.append((position, length, item_mark))
            # The last value may end with the header, without its padding.
            position = min(position + length + (-length & 3), len(raw))
        tags.append(_Tag(at, name.partition(b"\0")[0], vm, vr, syngo_type, mark, items))
        at = position
    return tags


def _write(out: bytearray, raw: bytes, tag: _Tag, extra: int) -> None:
    """Write the headers of a tag, and its values when all of them may be kept."""
    values = _kept_values(raw, tag)
    n_items = len(tag.items)
    header = (b"", 0, b"UN", 0, n_items, _MARK)
    if values is not None:
        vm = tag.vm if 0 <= tag.vm <= _MOST_VALUES else 0
        syngo_type = tag.syngo_type if 0 <= tag.syngo_type <= _LAST_SYNGO_TYPE else 0
        header = (tag.name, vm, tag.vr, syngo_type, n_items, _mark(tag.mark))
    _TAG.pack_into(out, tag.at, *header)
    for number, (at, length, mark) in enumerate(tag.items):
        written = length + extra
        _ITEM.pack_into(out, at - _ITEM.size, written, written, _mark(mark), written)
        if values is not None:
            out[at : at + len(values[number])] = values[number]


def _mark(number: int) -> int:
    return number if number in _MARKS else _MARK


def _kept_values(raw: bytes, tag: _Tag) -> list[bytes] | None:
    """Return what is kept of each value, None when the tag or a value is not as on the list."""
    if tag.name in PROTOCOLS:
        texts = [raw[at : at + length].partition(b"\0")[0] for at, length, _ in tag.items]
        return [scrub_protocol(text) for text in texts]
    pattern = PHYSICS.get(tag.name)
    if pattern is None or len(tag.items) > _MOST_VALUES:
        return None
    values = []
    for at, length, _ in tag.items:
        value = raw[at : at + length].partition(b"\0")[0]
        if value.strip(b" ") and pattern.fullmatch(value) is None:
            return None
        values.append(value)
    return values
