"""What a verification has found: places and kinds, never values."""

from __future__ import annotations

from typing import Final

import msgspec

# Kinds of findings, and what they mean.
KINDS: Final = {
    "original_value": "an original of the patient or study stands here",
    "other_patient": "the whole name, ID or UID of another patient stands here",
    "original_in_path": "an original of a patient stands in the name of a file or folder",
    "original_in_table": "an original of a patient stands in the research manifest",
    "not_removed": "the profile removes this attribute",
    "not_emptied": "the profile empties this attribute",
    "not_replaced": "the profile replaces this attribute, and this is not its replacement",
    "private_attribute": "the profile removes private attributes",
    "uid_not_mapped": "neither a UID of the standard nor one that this project has made",
    "uid_of_nowhere": "not the pseudonym of any UID of the source file",
    "pseudonym_differs": "not the value that the link table names",
    "marker_missing": "an attribute that says what was done is missing",
    "marker_untrue": "an attribute says what was not done",
    "file_meta": "file meta information that is not made anew",
    "preamble": "a preamble that is not empty",
    "date_interval": "a date that is not the original one moved by the patient's only offset",
    "dciodvfy_error": "an error for dciodvfy that the input did not have",
    "digest_differs": "the file's bytes are not those that were written",
    "size_differs": "the file's length is not that which was written",
    "pixel_length_differs": "pixel data of another length than were written",
    "pixels_differ": "pixel data that are not those of the source file",
    "box_not_filled": "a masked box holds more than one colour, or its frame is damaged",
    "original_in_pixels": "an original of the patient or study can be read in this frame",
    "text_in_pixels": "text can be read in this frame, in which the run sought text",
    "transfer_syntax_differs": "not the transfer syntax that the link table names",
    "damaged": "cannot be read as DICOM",
    "missing": "the link table names an output that is not there",
    "unknown_file": "the link table does not name it",
    "unknown_folder": "no output lies below it",
    "not_a_regular_file": "a link, or another thing that is no file",
    "shard_differs": "bytes of a shard that belong to no output",
    "extended_attributes": "the file system keeps further data with the file",
    "shared_pseudonym": "one pseudonym stands for several originals",
    "crosswalk_differs": "a patient has another subject or date offset than the crosswalk says",
    "split_identity": "one original has several pseudonyms",
    "table_differs": "the research manifest does not agree with the link table",
    "source_unreadable": "the source file cannot be compared: gone, changed or damaged",
}


class Finding(msgspec.Struct, frozen=True, order=True):
    """One thing that is wrong.

    path: below TARGET; of a file that the link table does not name, a keyed id, because its name
    may hold a value; "" for the release as a whole. kind: one of KINDS. tag: "(gggg,eeee)", "" when
    no element is concerned. offset: byte in the file, or in the inflated data set of a deflated
    one; -1 for none. what: "name", "patient", "identifier", "phrase", "date" or "uid" for
    originals, "frame N" for pixels, else "".
    """

    path: str
    kind: str
    tag: str = ""
    offset: int = -1
    what: str = ""


def tag_text(tag: int) -> str:
    """Return a tag as it is printed, "" for 0."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})" if tag else ""
