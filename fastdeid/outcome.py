"""What became of one file: the row that manifests are made of."""

from __future__ import annotations

from typing import Final

import msgspec

from fastdeid.manifest import ORIGINAL_FIELDS, PSEUDONYM_FIELDS, PUBLIC_FIELDS
from fastdeid.pixels.masked_box import MaskedBox
from fastdeid.verdicts import Verdict

# What differs from file to file of a series.
ORIGINAL_INSTANCE: Final = ORIGINAL_FIELDS.index("sop_instance_uid")
INSTANCE: Final = PSEUDONYM_FIELDS.index("sop_instance_uid")
NUMBER: Final = PUBLIC_FIELDS.index("instance_number")


class Shared(msgspec.Struct, frozen=True, gc=False):
    """What manifests say of all files of a series, so that they need not say it of each.

    originals, pseudonyms, public: values in the order of the fields of `fastdeid.manifest`, with
    an empty place for what is the instance's own; originals and public are raw bytes, public as in
    the output. date_offset: days that belong to the patient.
    """

    originals: tuple[bytes, ...] = (b"",) * len(ORIGINAL_FIELDS)
    pseudonyms: tuple[str, ...] = ("",) * len(PSEUDONYM_FIELDS)
    public: tuple[bytes, ...] = (b"",) * len(PUBLIC_FIELDS)
    date_offset: int = 0


NOTHING_SHARED: Final = Shared()


class Outcome(msgspec.Struct, gc=False):
    """The outcome of one input file.

    reason: a snake_case word, "" when ok; tag and offset say where it arose (0 and -1 when
    nowhere). path: of the output below the target, "" when there is none. published: "new",
    "same" (an equal file stood there), "different" (another file stands there, nothing was
    written) or "". Sizes and lengths are in bytes. shared: what the files of a series agree in.
    original_instance, instance: SOP Instance UID before and after; instance_number: as in the
    output; both bytes are raw. n_cleaned: elements in which the leak check found something.
    source_digest, output_digest: see `fastdeid.digests`, "" unless they were asked for.
    references: original SOP Instance UIDs that the output refers to. frames_examined: frames in
    which text was sought, 0 or all. frames_masked, masks: frames in which boxes were filled, and
    these boxes. shard, shard_offset: where the output stands in a tar archive, see `shards`.
    """

    verdict: Verdict
    reason: str = ""
    tag: int = 0
    offset: int = -1
    path: str = ""
    published: str = ""
    source_size: int = 0
    output_size: int = 0
    pixel_length: int = 0
    trailing_length: int = 0
    transfer_syntax: str = ""
    big_endian: bool = False
    shared: Shared = NOTHING_SHARED
    original_instance: bytes = b""
    instance: str = ""
    instance_number: bytes = b""
    n_removed: int = 0
    n_emptied: int = 0
    n_replaced: int = 0
    n_cleaned: int = 0
    source_digest: str = ""
    output_digest: str = ""
    references: tuple[bytes, ...] = ()
    frames_examined: int = 0
    frames_masked: int = 0
    masks: tuple[MaskedBox, ...] = ()
    shard: str = ""
    shard_offset: int = -1

    @property
    def originals(self) -> tuple[bytes, ...]:
        """Raw values in the order of ORIGINAL_FIELDS."""
        values, place = self.shared.originals, ORIGINAL_INSTANCE
        return (*values[:place], self.original_instance, *values[place + 1 :])

    @property
    def pseudonyms(self) -> tuple[str, ...]:
        """Values in the order of PSEUDONYM_FIELDS."""
        values = self.shared.pseudonyms
        return (*values[:INSTANCE], self.instance, *values[INSTANCE + 1 :])

    @property
    def public(self) -> tuple[bytes, ...]:
        """Raw values in the order of PUBLIC_FIELDS."""
        values = self.shared.public
        return (*values[:NUMBER], self.instance_number, *values[NUMBER + 1 :])
