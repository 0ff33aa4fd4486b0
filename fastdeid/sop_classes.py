"""SOP Classes: which are composite storage (PS3.4 Annex B), and which cannot be cleaned."""

from __future__ import annotations

from functools import cache
from typing import Final

from fastdeid.profiles.tables import read_types, read_uids
from fastdeid.tags import MEDIA_STORAGE_DIRECTORY_STORAGE

# A voice is recognised: no row of Table E.1-1 reaches it, and waveforms are not edited yet.
_VOICE: Final = "voice_recording"
_REFUSED: Final = {
    "1.2.840.10008.5.1.4.1.1.9.4.1": _VOICE,  # Basic Voice Audio Waveform
    "1.2.840.10008.5.1.4.1.1.9.4.2": _VOICE,  # General Audio Waveform
    "1.2.840.10008.5.1.4.1.1.9.1": _VOICE,  # Waveform - Trial, retired: may hold audio
    "1.2.840.10008.10.4": _VOICE,  # Real-Time Audio Waveform
    # One instance describes the studies of many patients: the patient of the file is none of them.
    "1.2.840.10008.5.1.4.1.1.201.1": "inventory_of_patients",
}


@cache
def is_storage(sop_class_uid: str) -> bool:
    """Tell whether a UID names a storage SOP Class of the standard, current or retired."""
    if sop_class_uid == MEDIA_STORAGE_DIRECTORY_STORAGE:
        return False
    if sop_class_uid in read_types().sop_classes:
        return True
    kind, keyword = read_uids().get(sop_class_uid, ("", ""))
    return kind == "SOP Class" and "Storage" in keyword and "StorageCommitment" not in keyword


def refusal(sop_class_uid: str) -> str:
    """Return why instances of a SOP Class cannot be cleaned by this version, "" when they can."""
    return _REFUSED.get(sop_class_uid, "")
