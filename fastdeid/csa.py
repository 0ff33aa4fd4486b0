"""Siemens CSA headers, (0029,xx10) and (0029,xx20) of SIEMENS CSA HEADER, with physics and no more.

Siemens does not publish the format; it is as its readers describe it (SPM, nibabel, dcm2niix). A
header is a list of named tags. What is not on the list below becomes zeros in place, so that every
length and position stays. MEC_MR3 of Toshiba and Canon, which nobody describes, is not kept.
"""

from __future__ import annotations

import re
import struct
from typing import Final

from fastdeid.ascconv import scrub_protocol
from fastdeid.tags import VR_NUMBERS

# Real headers have about 100 tags and at most some hundred KB, most of it the protocol.
_MOST_TAGS: Final = 1000
MOST_BYTES: Final = 4 << 20
_MAGIC: Final = b"SV10\4\3\2\1"
_TAG: Final = struct.Struct("<64si4s3i")
_ITEM: Final = struct.Struct("<4i")
_START: Final = struct.Struct("<2I")
_VRS: Final = frozenset(name.encode("ascii") for name in VR_NUMBERS if name)
_MARK: Final = 77
_MARKS: Final = frozenset({77, 205})
# So many empty values, as they stand behind the last one of a tag.
_EMPTY: Final = [_ITEM.pack(0, 0, 205, 0) * number for number in range(7)]
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


def scrub(raw: bytes) -> bytes | None:
    """Return a CSA header of the same length that has values of physics only.

    None when the bytes are not a CSA header from the first tag to the last: nothing of them may be
    kept. What stands behind the last tag becomes zeros.
    """
    if len(raw) > MOST_BYTES:
        return None
    is_second = raw.startswith(b"SV10")
    start = len(_MAGIC) if is_second else 0
    if len(raw) < start + 8:
        return None
    n_tags = int.from_bytes(raw[start : start + 4], "little")
    if not 0 < n_tags <= _MOST_TAGS:
        return None
    for extra in (0,) if is_second else (0, _first_count(raw)):
        out = bytearray(len(raw))
        out[:start] = _MAGIC[:start]
        _START.pack_into(out, start, n_tags, _MARK)
        if _scrub_tags(raw, out, start + _START.size, n_tags, extra):
            return bytes(out)
    return None


def _first_count(raw: bytes) -> int:
    """Return the number of values of the first tag, of the older form.

    There some readers (SPM) subtract it from every length, others (GDCM) nothing.
    """
    return int.from_bytes(raw[8 + 76 : 8 + 80], "little", signed=True)


def _scrub_tags(raw: bytes, out: bytearray, at: int, n_tags: int, extra: int) -> bool:
    """Write the tags, which begin at a position; return False where the bytes are none.

    out: as long as `raw`, zeros. extra: what has to be subtracted from a length.
    """
    for _ in range(n_tags):
        if at + _TAG.size > len(raw):
            return False
        name, vm, vr, syngo_type, n_items, mark = _TAG.unpack_from(raw, at)
        name = name.partition(b"\0")[0]
        vr = vr.partition(b"\0")[0]
        if n_items < 0 or vr not in _VRS:
            return False
        values, end = _write_lengths(raw, out, at + _TAG.size, n_items, extra)
        if end < 0:
            return False
        if _write_values(raw, out, name, values):
            vm = vm if 0 <= vm <= _MOST_VALUES else 0
            syngo_type = syngo_type if 0 <= syngo_type <= _LAST_SYNGO_TYPE else 0
            _TAG.pack_into(out, at, name, vm, vr, syngo_type, n_items, _mark(mark))
        else:
            _TAG.pack_into(out, at, b"", 0, b"UN", 0, n_items, _MARK)
        at = end
    return True


def _write_lengths(
    raw: bytes, out: bytearray, at: int, n_items: int, extra: int
) -> tuple[list[tuple[int, int]], int]:
    """Write the headers of the values of a tag.

    Returns place and length of those that are not empty, and where they end, -1 where they do not.
    """
    values: list[tuple[int, int]] = []
    for left in range(n_items, 0, -1):
        if not extra and left < len(_EMPTY) and raw.startswith(_EMPTY[left], at):
            # Most tags have one value and room for six.
            end = at + _ITEM.size * left
            out[at:end] = raw[at:end]
            return values, end
        if at + _ITEM.size > len(raw):
            return values, -1
        _, written, mark, _ = _ITEM.unpack_from(raw, at)
        length = written - extra
        _ITEM.pack_into(out, at, written, written, _mark(mark), written)
        at += _ITEM.size
        if not 0 <= length <= len(raw) - at:
            return values, -1
        if length:
            values.append((at, length))
            # The last value may end with the header, without its padding.
            at = min(at + length + (-length & 3), len(raw))
    return values, at


def _mark(number: int) -> int:
    return number if number in _MARKS else _MARK


def _write_values(raw: bytes, out: bytearray, name: bytes, values: list[tuple[int, int]]) -> bool:
    """Write what is kept of the values of a tag; return False when the tag itself is not kept."""
    pattern = PHYSICS.get(name)
    if name in PROTOCOLS:
        kept = [scrub_protocol(raw[at : at + length].partition(b"\0")[0]) for at, length in values]
    elif pattern is None or len(values) > _MOST_VALUES:
        return False
    else:
        kept = [raw[at : at + length].partition(b"\0")[0] for at, length in values]
        if not all(pattern.fullmatch(value) or not value.strip(b" ") for value in kept):
            return False
    for (at, _), value in zip(values, kept, strict=True):
        out[at : at + len(value)] = value
    return True
