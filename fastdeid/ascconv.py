"""The protocol of a Siemens scanner as text: of its ASCCONV sections, numbers of physics only.

The text is an XProtocol with sections of lines *key = value* between two marks. Keys are paths,
values are numbers, or text in quotes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_BEGIN: Final = b"### ASCCONV BEGIN"
_BEGIN_LINE: Final = b"### ASCCONV BEGIN ###"
_END: Final = b"### ASCCONV END ###"

_N: Final = r"\[[0-9]{1,4}\]"
_VOLUME: Final = (
    r"(?:dThickness|dPhaseFOV|dReadoutFOV|dInPlaneRot|sPosition\.d(?:Sag|Cor|Tra)"
    r"|sNormal\.d(?:Sag|Cor|Tra))"
)
# Keys that are kept, by what they are about.
_KEYS: Final = (
    # Timing and repetitions
    rf"(?:alTE|alTI|alTR|alTS|adFlipAngleDegree){_N}",
    r"(?:lAverages|lContrasts|lInvContrasts|lRepetitions|lScanTimeSec|lTotalScanTimeSec)",
    r"(?:dAveragesDouble|ucReconstructionMode|ucAutoAlignInit|ucCineMode|ulVersion)",
    # Slices
    r"sSliceArray\.(?:lSize|lConc|ucConcatenations|ucMode|ucImageNumbSag|ucImageNumbCor)",
    rf"sSliceArray\.(?:ucImageNumbTra|anAsc{_N}|anPos{_N}|asSlice{_N}\.{_VOLUME})",
    r"sGroupArray\.(?:lSize|asGroup\[0\]\.(?:nSize|dDistFact))",
    rf"sAdjData\.sAdjVolume\.{_VOLUME}",
    # k-space and acceleration
    r"sKSpace\.(?:lBaseResolution|lPhaseEncodingLines|lPartitions|lImagesPerSlab|lRadialViews)",
    r"sKSpace\.(?:dPhaseResolution|dSliceResolution|dPhaseOversamplingForDialog)",
    r"sKSpace\.(?:dSliceOversamplingForDialog|ucPhasePartialFourier|ucSlicePartialFourier)",
    r"sKSpace\.(?:ucReadoutPartialFourier|ucMultiSliceMode|ucDimension|ucTrajectory)",
    r"sKSpace\.(?:ucAsymmetricEchoAllowed|ucAsymmetricEchoMode|unReordering|ucPOCS)",
    r"sPat\.(?:lAccelFactPE|lAccelFact3D|lRefLinesPE|lRefLines3D|lReorderingShift3D)",
    r"sPat\.(?:ucPATMode|ucRefScanMode|ucCaipiMode|dAccelFactPE)",
    r"sSliceAcceleration\.(?:lMultiBandFactor|lFOVShiftFactor)",
    # Sequence
    r"sFastImaging\.(?:lEPIFactor|lTurboFactor|lSegments|lShots|lSliceTurboFactor)",
    r"sFastImaging\.(?:lEchoSpacing|lEchoTrainDuration|ulEnableRFSpoiling|ucSegmentationMode)",
    r"sPrepPulses\.(?:ucFatSat|ucFatSatMode|ucInversion|ucMTC|ucSatRecovery|ucWaterSat)",
    r"sGRADSPEC\.ucMode",
    r"sRXSPEC\.lGain",
    rf"sRXSPEC\.alDwellTime{_N}",
    rf"sTXSPEC\.asNucleusInfo{_N}\.(?:lFrequency|flReferenceAmplitude|flAmplitudeCorrection)",
    r"sProtConsistencyInfo\.flNominalB0",
    r"sPhysioImaging\.(?:lSignal1|lSignal2|lMethod1|lMethod2|lPhases|lRetroGatedImages)",
    # Diffusion, perfusion, and the free parameters of unreleased sequences
    rf"sDiffusion\.(?:alBValue{_N}|alAverages{_N}|lDiffWeightings|lDiffDirections|ulMode)",
    r"sDiffusion\.(?:dsScheme|lNoiseLevel|lNoiseLevelAdc|lQSpaceMaxBValue|lQSpaceSteps)",
    r"sAsl\.(?:ulMode|ulLabelingDuration|ulPostLabelingDelay|ulBolusDuration|ulInversionTime)",
    rf"s(?:Wip|WiP)MemBlock\.(?:alFree|adFree){_N}",
)
_LINE: Final = re.compile(
    r"^(?:{})[ \t]{{0,80}}=[ \t]{{0,80}}"
    r"(?:0x[0-9A-Fa-f]{{1,8}}|-?[0-9]{{1,9}}(?:\.[0-9]{{0,16}})?(?:[eE][+-]?[0-9]{{1,3}})?)"
    r"(?=[ \t\r#]|$)".format("|".join(_KEYS)).encode("ascii"),
    re.MULTILINE,
)
_BLANK: Final = bytes(byte if byte == 0x0A else 0x20 for byte in range(256))


# The files of a series have one protocol.
@lru_cache(maxsize=4)
def scrub_protocol(text: bytes) -> bytes:
    """Return the text, as long as before, with spaces for all but known keys and their numbers.

    Line ends of sections stay. Keys that stand outside of a section are no keys.
    """
    out = bytearray(b" " * len(text))
    at = text.find(_BEGIN)
    while at >= 0:
        line_end = text.find(b"\n", at)
        end = text.find(_END, at)
        if not 0 <= line_end < end:
            break
        if line_end - at >= len(_BEGIN_LINE):
            out[line_end:end] = _scrub_section(text[line_end:end])
            out[line_end - len(_BEGIN_LINE) : line_end] = _BEGIN_LINE
            out[end : end + len(_END)] = _END
        at = text.find(_BEGIN, end)
    return bytes(out)


def _scrub_section(text: bytes) -> bytes:
    out = bytearray(text.translate(_BLANK))
    for found in _LINE.finditer(text):
        out[found.start() : found.end()] = found[0]
    return bytes(out)
