"""Days and numbers of the patient in texts that `basic` keeps, however they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import builders as b
from tests.runs import ct_image, deidentify

BEAM_NAME = 0x300A00C2  # LO, no row of Table E.1-1


def keeps(folder: Path, text: str, patient_id: str = "MRN-1", birth: str = "19571123") -> bool:
    own = [
        b.text(0x00100020, "LO", patient_id),
        b.text(0x00100030, "DA", birth),
        b.text(BEAM_NAME, "LO", text),
    ]
    run = deidentify(folder, b.part10(ct_image(*own)))
    return BEAM_NAME in run.data_set


@pytest.mark.parametrize(
    "text",
    [
        *("23. November 1957", "geb. 23.11.57", "23/11/57", "11/23/57", "23-Nov-57", "23NOV57"),
        *("born November 23rd, 1957", "born Nov 23 1957", "23rd of November 1957", "1957 Nov 23"),
        *("ne le 23 novembre 1957", "23 de noviembre de 1957", "23 novembro 1957", "23 nov. 1957"),
        *("nata il 23 novembre 1957", "23 november 1957", "23 / 11 / 1957", "1957 / 11 / 23"),
        *("23NOV1957", "23_nov_1957"),
    ],
)
def test_a_birth_date_goes_in_every_spelling(tmp_path: Path, text: str) -> None:
    assert not keeps(tmp_path, text)


@pytest.mark.parametrize(
    ("birth", "text"),
    [
        *(("19570305", "5.3.1957"), ("19570305", "3/5/1957"), ("19570305", "5. März 1957")),
        *(("19570801", "1er août 1957"), ("19570801", "1 agosto 1957"), ("19571203", "3 dic 57")),
    ],
)
def test_days_and_months_of_one_digit_go(tmp_path: Path, birth: str, text: str) -> None:
    spelled = text.replace("ä", "ae").replace("û", "u")
    assert keeps(tmp_path, spelled, birth=birth) is text.endswith(" 57")  # a documented limit


@pytest.mark.parametrize(
    "text",
    [
        *("version 1957", "rev 1957.2", "1957 November 24", "24. November 1957", "November 1957"),
        *("release 11/1957", "built 1957-11", "23 slices 1957 mm"),
    ],
)
def test_the_year_of_a_birth_date_is_ordinary_text(tmp_path: Path, text: str) -> None:
    assert keeps(tmp_path, text)


@pytest.mark.parametrize(
    ("patient_id", "text"),
    [
        *(
            ("12345678", "plan 012345678"),
            ("12345678", "0000 12345678"),
            ("12345678", "12-34-56-78"),
        ),
        *(("12345678", "12.345.678"), ("12345678", "123 456 78"), ("12345678", "1234-5678")),
        *(("0012-345-678", "12345678"), ("0012-345-678", "id 0012 345 678")),
        *(("0012-345-678", "0012345678"), ("0012-345-678", "0012.345.678")),
        *(("ZQ-5551237", "ZQ5551237"), ("ZQ-5551237", "ZQ 5551237"), ("ZQ5551237", "zq-5551237")),
        *(("ZQ-5551237", "5551237"), ("4711", "MRN4711"), ("4711", "pat 4711"), ("4711", "04711")),
    ],
)
def test_an_identifier_goes_with_other_separators_and_zeros(
    tmp_path: Path, patient_id: str, text: str
) -> None:
    assert not keeps(tmp_path, text, patient_id)


@pytest.mark.parametrize(
    ("patient_id", "text"),
    [
        *(
            ("1000", "*ep_b1000t"),
            ("1000", "DWI b1000"),
            ("1000", "b 0/500/1000"),
            ("1000", "TE 1000"),
        ),
        *(("1000", "1000 ms"), ("12345678", "123456789"), ("12345678", "1.12345678.9")),
        *(("5000", "b=5000"), ("2024-00123", "release 2024")),
    ],
)
def test_a_short_identifier_empties_no_parameter(
    tmp_path: Path, patient_id: str, text: str
) -> None:
    assert keeps(tmp_path, text, patient_id)
