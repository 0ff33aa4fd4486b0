"""What became of one file: the row that manifests are made of."""

from __future__ import annotations

import msgspec

from fastdeid.verdicts import Verdict


class Outcome(msgspec.Struct):
    """The outcome of one input file.

    reason: a snake_case word, "" when ok; tag and offset say where it arose (0 and -1 when
    nowhere). path: of the output below the target, "" when there is none. published: "new",
    "same" (an equal file stood there), "different" (another file stands there, nothing was
    written) or "". Sizes and lengths are in bytes. originals, pseudonyms, public: values in the
    order of the fields of `fastdeid.manifest`; originals and public are raw bytes, public as in
    the output. n_cleaned: elements in which the leak check found something. date_offset: days
    that belong to the patient. source_digest, output_digest: see `fastdeid.digests`, "" unless they
    were asked for. references: original SOP Instance UIDs that the output refers to.
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
    originals: tuple[bytes, ...] = ()
    pseudonyms: tuple[str, ...] = ()
    public: tuple[bytes, ...] = ()
    n_removed: int = 0
    n_emptied: int = 0
    n_replaced: int = 0
    n_cleaned: int = 0
    date_offset: int = 0
    source_digest: str = ""
    output_digest: str = ""
    references: tuple[bytes, ...] = ()
