"""Whole files through a profile that retains safe private elements, read by pydicom."""

from __future__ import annotations

import functools
import io
import struct
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import pydicom
import pytest

from fastdeid.available import AVAILABLE
from fastdeid.deidentify import Deidentifier
from fastdeid.rules import Profile, load_profile
from fastdeid.verdicts import Verdict
from tests import builders as b
from tests.csa.converting import convert
from tests.csa.mosaic import TIMES, image_header, mosaic, series_header
from tests.private.deciding import B_FACTOR, PHILIPS, creator
from tests.runs import PSEUDONYMS, ct_image

pytestmark = pytest.mark.skipif(
    not {"retain_safe_private", "clean_descriptors"} <= AVAILABLE,
    reason="profiles with these options do not run yet",
)

NAME: Final = "Doe^Jane"
ANATOMY: Final = 0x00082218  # Anatomic Region Sequence, which no rule removes
each_encoding = pytest.mark.parametrize("encoding", [b.EXPLICIT, b.IMPLICIT, b.BIG], ids=repr)


@functools.cache
def research() -> Profile:
    """Return the profile "research"."""
    return load_profile("research")


def run(folder: Path, *files: bytes, profile: Profile | None = None) -> list[bytes]:
    """Return the outputs of some files, all of which have to be de-identified."""
    deidentifier = Deidentifier(profile or research(), PSEUDONYMS, folder / "output")
    outputs = []
    for number, data in enumerate(files):
        source = folder / f"{number}.dcm"
        source.write_bytes(data)
        outcome = deidentifier.process(bytes(source))
        assert outcome.verdict is Verdict.OK, outcome.reason
        outputs.append((folder / "output" / outcome.path).read_bytes())
    deidentifier.close()
    return outputs


def output(folder: Path, *more: bytes, encoding: b.Encoding = b.EXPLICIT) -> pydicom.Dataset:
    """Return what becomes of a CT image with some more elements."""
    (data,) = run(folder, b.part10(ct_image(*more, encoding=encoding), encoding))
    assert b"Jane" not in data
    return pydicom.dcmread(io.BytesIO(data))


def private_tags(data_set: pydicom.Dataset) -> list[int]:
    """Return the private tags of a data set, without those of its items."""
    return [int(element.tag) for element in data_set if element.tag.is_private]


@each_encoding
def test_safe_elements_are_kept_bit_by_bit_and_others_go(
    encoding: b.Encoding, tmp_path: Path
) -> None:
    data_set = output(
        tmp_path,
        creator(0x20010010, PHILIPS, encoding),
        b.number(B_FACTOR, "FL", 1000.0, encoding=encoding),
        b.text(0x20011099, "LO", NAME, encoding),
        creator(0x20050010, "Jane Doe's PACS", encoding),
        b.text(0x20051001, "LO", NAME, encoding),
        b.text(0x20071001, "LO", NAME, encoding),
        encoding=encoding,
    )
    assert private_tags(data_set) == [0x20010010, B_FACTOR]
    assert data_set[B_FACTOR].value == 1000.0


def test_a_name_in_a_safe_text_is_found(tmp_path: Path) -> None:
    data_set = output(
        tmp_path,
        creator(0x20010010, PHILIPS),
        b.text(0x200110C1, "LO", "Scan of Doe, Jane"),
        b.number(B_FACTOR, "FL", 1000.0),
    )
    assert B_FACTOR in private_tags(data_set)
    assert "Doe" not in str(data_set)


@each_encoding
def test_uids_are_mapped_and_dates_shifted_by_the_same_days(
    encoding: b.Encoding, tmp_path: Path
) -> None:
    data_set = output(
        tmp_path,
        b.text(0x00080020, "DA", "20200131", encoding),
        b.text(0x00081155, "UI", "1.2.826.0.1.3680043.10.1.9.1", encoding),
        creator(0x01190010, "MRSC", encoding),
        b.text(0x01191062, "DA", "20200203", encoding),
        b.text(0x01191063, "TM", "101112", encoding),
        creator(0x00990010, "NQHeader", encoding),
        b.text(0x00991002, "UI", "1.2.826.0.1.3680043.10.1.9.1", encoding),
        encoding=encoding,
    )

    def text(tag: int) -> str:
        value = data_set[tag].value
        raw = value.decode() if isinstance(value, bytes) else str(value)
        return raw.rstrip(" \0")

    assert text(0x00991002) == text(0x00081155)
    assert text(0x00991002).startswith("2.25.")
    study, coil = (date.fromisoformat(text(tag)) for tag in (0x00080020, 0x01191062))
    assert coil - study == timedelta(days=3)
    assert study != date(2020, 1, 31)
    assert text(0x01191063) == "101112"


@each_encoding
def test_items_keep_their_own_safe_elements(encoding: b.Encoding, tmp_path: Path) -> None:
    block = (
        b.text(0x00100010, "PN", NAME, encoding)
        + creator(0x20010011, PHILIPS, encoding)
        + b.number(0x20011103, "FL", 700.0, encoding=encoding)
        + b.text(0x20011199, "LO", NAME, encoding)
    )
    data_set = output(
        tmp_path,
        b.sequence(ANATOMY, [b.item(block, encoding)], encoding, undefined=True),
        creator(0x20010010, PHILIPS, encoding),
        b.sequence(0x2001105F, [b.item(block, encoding)], encoding, undefined=True),
        encoding=encoding,
    )
    for sequence in (ANATOMY, 0x2001105F):
        (item,) = data_set[sequence].value
        assert private_tags(item) == [0x20010011, 0x20011103]
        assert item[0x20011103].value == 700.0


@pytest.mark.parametrize("encoding", [b.EXPLICIT, b.IMPLICIT], ids=repr)
def test_a_sequence_of_defined_length_in_unknown_bytes_is_kept_and_cleaned(
    encoding: b.Encoding, tmp_path: Path
) -> None:
    inner = b.IMPLICIT
    block = creator(0x20010010, PHILIPS, inner) + b.number(B_FACTOR, "FL", 1000.0, encoding=inner)
    content = b.text(0x00100010, "PN", NAME, inner) + b.text(0x00181030, "LO", "HEAD", inner)
    whole = b.item(content + b.text(0x00081155, "UI", "1.2.3.4", inner) + block, inner)
    data_set = output(
        tmp_path,
        creator(0x20010010, PHILIPS, encoding),
        b.element(0x2001105F, "UN", whole, encoding),
        encoding=encoding,
    )
    value = data_set[0x2001105F].value
    (item,) = value if not isinstance(value, bytes) else convert_items(value)
    assert item.ProtocolName == "HEAD"
    assert item.ReferencedSOPInstanceUID.startswith("2.25.")
    assert item[B_FACTOR].value in {1000.0, struct.pack("<f", 1000.0)}


def convert_items(raw: bytes) -> pydicom.Sequence:
    """Return the items that a value in UN holds, in implicit VR little endian."""
    from pydicom.filereader import read_sequence

    return read_sequence(io.BytesIO(raw), True, True, len(raw), "ISO_IR 6")


@each_encoding
def test_unix_times_that_a_file_declares_safe_move_with_its_dates(
    encoding: b.Encoding, tmp_path: Path
) -> None:
    middays = [1_071_230_400, 1_071_230_400 + 3600]
    declared = b.sequence(
        0x00080300,
        [
            b.item(
                b.number(0x00080301, "US", 0x0009, encoding=encoding)
                + b.text(0x00080302, "LO", "GEMS_IDEN_01", encoding)
                + b.text(0x00080303, "CS", "SAFE", encoding),
                encoding,
            )
        ],
        encoding,
    )
    data_set = output(
        tmp_path,
        b.text(0x00080020, "DA", "20031212", encoding),
        declared,
        creator(0x00090010, "GEMS_IDEN_01", encoding),
        b.number(0x00091027, "SL", *middays, encoding=encoding),
        encoding=encoding,
    )
    value = data_set[0x00091027].value
    if isinstance(value, bytes):
        value = list(struct.unpack("<2i", value))
    days = (date(2003, 12, 12) - datetime.strptime(data_set.StudyDate, "%Y%m%d").date()).days  # noqa: DTZ007
    assert days != 0
    assert list(value) == [middays[0] - 86_400 * days, middays[1] - 86_400 * days]


def test_private_elements_of_a_removed_sequence_go(tmp_path: Path) -> None:
    block = creator(0x20010010, PHILIPS) + b.number(B_FACTOR, "FL", 700.0)
    icon = b.sequence(0x00880200, [b.item(block)])
    data_set = output(tmp_path, icon)
    assert 0x00880200 not in data_set
    assert private_tags(data_set) == []


@each_encoding
def test_what_a_file_declares_safe_is_kept_and_its_actions_are_done(
    encoding: b.Encoding, tmp_path: Path
) -> None:
    actions = b.sequence(
        0x00080305,
        [
            b.item(
                b.number(0x00080306, "US", 2, encoding=encoding)
                + b.text(0x00080307, "CS", "D", encoding),
                encoding,
            ),
            b.item(
                b.number(0x00080306, "US", 3, encoding=encoding)
                + b.text(0x00080307, "CS", "Z", encoding),
                encoding,
            ),
        ],
        encoding,
    )
    definitions = b.sequence(
        0x00080310,
        [
            b.item(
                b.number(0x00080308, "US", number, encoding=encoding)
                + b.text(0x0008030A, "CS", "LO", encoding),
                encoding,
            )
            for number in (1, 2, 3, 4)
        ],
        encoding,
    )
    declared = b.item(
        b.number(0x00080301, "US", 0x0029, encoding=encoding)
        + b.text(0x00080302, "LO", "ACME 1.0", encoding)
        + b.text(0x00080303, "CS", "MIXED", encoding)
        + b.number(0x00080304, "US", 1, encoding=encoding)
        + actions
        + definitions,
        encoding,
    )
    data_set = output(
        tmp_path,
        b.sequence(0x00080300, [declared], encoding),
        creator(0x00290077, "ACME 1.0", encoding),
        *(b.text(0x00297700 | number, "LO", text, encoding) for number, text in VALUES.items()),
        encoding=encoding,
    )
    assert private_tags(data_set) == [0x00290077, 0x00297701, 0x00297702, 0x00297703]
    assert b"gradient" in _bytes(data_set[0x00297701].value)
    assert b"operator" not in _bytes(data_set[0x00297702].value)
    assert _bytes(data_set[0x00297702].value)
    assert not data_set[0x00297703].value


VALUES: Final = {1: "gradient 7", 2: "operator 12", 3: "room 5", 4: "unlisted"}


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def test_without_the_option_nothing_private_is_kept(tmp_path: Path) -> None:
    more = (creator(0x20010010, PHILIPS), b.number(B_FACTOR, "FL", 1000.0))
    (data,) = run(tmp_path, b.part10(ct_image(*more)), profile=load_profile("basic"))
    assert private_tags(pydicom.dcmread(io.BytesIO(data))) == []


def test_csa_headers_are_scrubbed_and_dcm2niix_still_reads_them(tmp_path: Path) -> None:
    volumes = [(1, 0), *((number, 1000) for number in range(2, 9))]
    originals = [mosaic(n, bv, image_header(bv, n), series_header()) for n, bv in volumes]
    outputs = run(tmp_path, *originals)
    for data in outputs:
        assert b"DOE" not in data
        assert b"1962" not in data
    before = convert(tmp_path / "before", originals)
    after = convert(tmp_path / "after", outputs)
    assert after.bval == before.bval
    assert after.bvec == before.bvec
    assert after.sidecar["SliceTiming"] == [time / 1000 for time in TIMES]


def test_a_csa_header_of_any_length_is_scrubbed(tmp_path: Path) -> None:
    header = series_header()
    for size in (0, 4096, 70_000, 300_000):
        (tmp_path / str(size)).mkdir()
        data = mosaic(1, 0, header + b"DOE^JANE" * (size // 8), None)
        (cleaned,) = run(tmp_path / str(size), data)
        kept = pydicom.dcmread(io.BytesIO(cleaned))[0x00291010].value
        assert len(kept) == len(header) + len(header) % 2 + size
        assert kept.startswith(b"SV10")
        assert b"DOE" not in kept


def test_what_is_no_csa_header_is_removed(tmp_path: Path) -> None:
    data = mosaic(1, 0, b"SV10" + b"DOE^JANE" * 5000, struct.pack("<2I", 3, 77) + bytes(500))
    (cleaned,) = run(tmp_path, data)
    # Nor does its creator stay, with a block in which nothing stands any more.
    assert private_tags(pydicom.dcmread(io.BytesIO(cleaned))) == []
    assert b"DOE" not in cleaned


def test_files_in_a_batch_come_out_as_each_of_them_alone(tmp_path: Path) -> None:
    block = creator(0x20010010, PHILIPS) + b.number(B_FACTOR, "FL", 700.0)
    stack = b.sequence(0x2001105F, [b.item(block + b.text(0x20011099, "LO", NAME))])
    anatomy = b.sequence(ANATOMY, [b.item(block)])
    more: list[tuple[bytes, ...]] = [
        (),
        (creator(0x20010010, PHILIPS), stack),
        (anatomy,),
        (anatomy, creator(0x20010010, PHILIPS), b.number(B_FACTOR, "FL", 1.0), stack),
        (creator(0x20010010, PHILIPS), b.text(0x20011099, "LO", NAME)),
    ]
    files = [
        b.part10(ct_image(*elements, b.text(0x00080018, "UI", f"1.2.826.0.1.3680043.10.1.3.{n}")))
        for n, elements in enumerate(more * 3)
    ]
    files.append(mosaic(1, 0, image_header(0), series_header() + b"DOE" * 30_000))
    (tmp_path / "alone").mkdir()
    alone = run(tmp_path / "alone", *files)
    paths = [bytes(tmp_path / "alone" / f"{number}.dcm") for number in range(len(files))]
    deidentifier = Deidentifier(research(), PSEUDONYMS, tmp_path / "together")
    outcomes = deidentifier.process_many(paths)
    deidentifier.close()
    together = [(tmp_path / "together" / outcome.path).read_bytes() for outcome in outcomes]
    assert together == alone
    assert not [data for data in alone if b"Jane" in data or b"DOE" in data]
