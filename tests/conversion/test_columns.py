"""Outcomes as columns: text in its character set, numbers, nulls."""

from __future__ import annotations

import os
from typing import Any

import pytest

from fastdeid import manifest
from fastdeid.columns import part_table
from fastdeid.outcome import Outcome, Shared
from fastdeid.verdicts import Verdict


def outcome(
    originals: dict[str, bytes] | None = None,
    public: dict[str, bytes] | None = None,
    pseudonyms: tuple[str, ...] = ("P", "A", "S", "T", "I", ""),
    **fields: Any,
) -> Outcome:
    """Return an ok outcome with some values, all others empty."""
    return Outcome(
        **{
            "verdict": Verdict.OK,
            "path": "P/S/T/I.dcm",
            "shared": Shared(
                tuple((originals or {}).get(n, b"") for n in manifest.ORIGINAL_FIELDS),
                (*pseudonyms[:4], "", *pseudonyms[5:]),
                tuple((public or {}).get(n, b"") for n in manifest.PUBLIC_FIELDS),
            ),
            "original_instance": (originals or {}).get("sop_instance_uid", b""),
            "instance": pseudonyms[4],
            "instance_number": (public or {}).get("instance_number", b""),
            **fields,
        }
    )


def row(*outcomes: Outcome) -> dict[str, Any]:
    """Return the first row of a part as a dictionary."""
    first: dict[str, Any] = part_table(outcomes).to_pylist()[0]
    return first


@pytest.mark.parametrize(
    ("charset", "raw", "text"),
    [
        (b"", b"Doe^Jane", "Doe^Jane"),
        (b"ISO_IR 100", b"M\xfcller^J\xfcrgen ", "Müller^Jürgen"),
        (b"ISO_IR 192 ", "Müller^Jürgen".encode(), "Müller^Jürgen"),
        (
            b"\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B",
            "Yamada^Tarou=山田^太郎",
        ),
        (b"", b"M\xfcller", "M\\xfcller"),
        (b"ISO_IR 192", b"M\xfcller", "M\\xfcller"),
        (b"NO SUCH", b"M\xfcller", "M\\xfcller"),
        (b"", b"  \0 ", None),
    ],
)
def test_text_is_decoded_in_the_character_set_of_its_file(
    charset: bytes, raw: bytes, text: str | None
) -> None:
    values = {"specific_character_set": charset, "patient_name": raw}
    assert row(outcome(values))["original_patient_name"] == text


def test_files_of_different_character_sets_keep_theirs() -> None:
    table = part_table(
        [
            outcome({"specific_character_set": charset, "patient_name": b"\xe9"})
            for charset in (b"ISO_IR 100", b"ISO_IR 144", b"ISO_IR 100")
        ]
    )
    assert table.column("original_patient_name").to_pylist() == ["é", "щ", "é"]


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        (b"12", 12),
        (b" 0012 ", 12),
        (b"-7\0", -7),
        (b"+7", 7),
        (b"", None),
        (b"1.5", None),
        (b"1_000", None),
        (b"12\\13", None),
        (b"9" * 18, 10**18 - 1),
        (b"9" * 30, None),
        (b"\xb2", None),
    ],
)
def test_integer_strings(raw: bytes, number: int | None) -> None:
    found = row(outcome(public={"series_number": raw, "instance_number": raw}))
    assert (found["series_number"], found["instance_number"]) == (number, number)


@pytest.mark.parametrize(
    ("raw", "spacing"),
    [
        (b"0.5\\0.25", (0.5, 0.25)),
        (b" 1e-1 \\2 ", (0.1, 2.0)),
        (b"0.5", (0.5, None)),
        (b"", (None, None)),
        (b"nan\\inf", (None, None)),
        (b"1_0\\x", (None, None)),
    ],
)
def test_decimal_strings(raw: bytes, spacing: tuple[float | None, float | None]) -> None:
    found = row(outcome(public={"pixel_spacing": raw, "slice_thickness": raw}))
    assert (found["row_spacing"], found["column_spacing"]) == spacing
    assert found["slice_thickness"] == spacing[0]


@pytest.mark.parametrize(("big_endian", "number"), [(False, 512), (True, 2)])
def test_short_numbers_in_both_byte_orders(big_endian: bool, number: int) -> None:
    found = row(outcome(public={"rows": b"\x00\x02", "columns": b""}, big_endian=big_endian))
    assert (found["rows"], found["columns"]) == (number, None)


def test_what_was_not_written_is_not_described() -> None:
    found = row(
        outcome(
            {"patient_id": b"123"},
            {"modality": b"CT", "instance_number": b"1"},
            verdict=Verdict.QUARANTINED,
            reason="pixel_data_missing",
            tag=0x7FE00010,
            offset=132,
        )
    )
    assert found["original_patient_id"] == "123"
    assert found["reason"] == "pixel_data_missing"
    assert (found["reason_tag"], found["reason_offset"]) == ("(7FE0,0010)", 132)
    assert [found[name] for name in ("modality", "instance_number", "output_path")] == [None] * 3


def test_a_file_that_was_not_parsed_has_nulls() -> None:
    found = row(Outcome(Verdict.NOT_DICOM, "not_dicom", source_size=7))
    named = {"verdict", "reason"}
    kept = {name: value for name, value in found.items() if value not in (None, 0)}
    assert kept == {"verdict": "not_dicom", "reason": "not_dicom", "source_size": 7}
    assert named <= found.keys()


def test_rows_keep_their_order_and_their_own_values() -> None:
    outcomes = [
        outcome(
            {"patient_id": b"%d" % (number % 3), "sop_instance_uid": b"1.2.%d\0" % number},
            {"instance_number": b"%d" % number, "modality": b"CT" if number % 2 else b"MR"},
            path=f"{number}.dcm",
            source_size=number,
            output_size=2 * number,
            pseudonyms=("P", "", "S", "T", f"I{number}", ""),
        )
        for number in range(50)
    ]
    found = part_table(outcomes).to_pylist()
    for number, values in enumerate(found):
        assert values["original_patient_id"] == str(number % 3)
        assert values["original_sop_instance_uid"] == f"1.2.{number}"
        assert values["instance_number"] == number
        assert values["modality"] == ("CT" if number % 2 else "MR")
        assert values["output_path"] == f"{number}.dcm"
        assert (values["source_size"], values["output_size"]) == (number, 2 * number)
        assert values["sop_instance_uid"] == f"I{number}"
        assert values["accession_number"] is None


def test_any_bytes_make_a_row() -> None:
    for _ in range(50):
        noise = os.urandom(9)
        values = dict.fromkeys(manifest.ORIGINAL_FIELDS, noise)
        public = dict.fromkeys(manifest.PUBLIC_FIELDS, noise)
        assert part_table([outcome(values, public)]).num_rows == 1


def test_no_rows_have_the_same_columns() -> None:
    assert part_table([]).schema.names == part_table([outcome()]).schema.names
    assert part_table([]).schema.types == part_table([outcome()]).schema.types
