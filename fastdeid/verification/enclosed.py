"""The originals that a reversible output encloses: whole, under this key, and its own."""

from __future__ import annotations

from fastdeid import tags
from fastdeid.errors import FastdeidError
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.reversible import Envelope, read_originals
from fastdeid.verification.places import Content

_MESSAGE = 0x04000520
_INSIDE = (0x04000510, _MESSAGE)


class EnclosedCheck:
    """Checks (0400,0500) of one output after another. pseudonyms: of the project key."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._envelope = Envelope(pseudonyms)

    def find(self, content: Content, instance: str) -> str:
        """Return the kind of finding for an output, "" for none.

        instance: its SOP Instance UID. The sequence must hold one message and nothing beside it,
        the one that encrypting what it holds gives, and that must be the original of `instance`.
        """
        inside = [place for place in content.places if is_enclosed(place.path, place.tag)]
        if not inside:
            return "marker_missing"
        if [(place.path, place.tag) for place in inside] != [
            ((tags.ENCRYPTED_ATTRIBUTES_SEQUENCE,), tag) for tag in _INSIDE
        ]:
            return "marker_untrue"
        start, end = inside[1].start, inside[1].end
        try:
            held = self._envelope.unseal(content.data[start:end].tobytes())
            originals = read_originals(held)
        except FastdeidError:
            return "marker_untrue"
        uid = str(originals.get("SOPInstanceUID", ""))
        own = {uid, self._pseudonyms.uid(uid.encode("ascii", "replace")).decode("ascii")}
        return "" if instance in own else "marker_untrue"


def is_enclosed(path: tuple[int, ...], tag: int) -> bool:
    """Tell whether an element stands in the sequence of encrypted originals."""
    return (path or (tag,))[0] == tags.ENCRYPTED_ATTRIBUTES_SEQUENCE
