"""Of the protocol text of a Siemens scanner, numbers of known keys stay where they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.ascconv import scrub_protocol

BEGIN = b"### ASCCONV BEGIN ###\n"
END = b"### ASCCONV END ###"


def kept(*lines: bytes) -> list[bytes]:
    """Return what is left of the lines of a section, without spaces around."""
    text = BEGIN + b"\n".join(lines) + b"\n" + END
    scrubbed = scrub_protocol(text)
    assert len(scrubbed) == len(text)
    assert scrubbed.startswith(BEGIN)
    assert scrubbed.endswith(END)
    return [line.strip() for line in scrubbed[len(BEGIN) : -len(END) - 1].split(b"\n")]


@pytest.mark.parametrize(
    "line",
    [
        b"alTR[0] = 6600000",
        b"sPat.lAccelFactPE                        = 2",
        b"sPat.ucRefScanMode\t = \t0x4",
        b"sSliceArray.asSlice[12].sPosition.dSag = -1.5e-005",
        b"sWipMemBlock.alFree[3] = 1000",
        b"sWiPMemBlock.adFree[3] = 0.5",
        b"sDiffusion.alBValue[1]=1000",
        b"sTXSPEC.asNucleusInfo[0].lFrequency = 123251815",
    ],
)
def test_numbers_of_known_keys_stay(line: bytes) -> None:
    assert kept(line) == [line]


@pytest.mark.parametrize(
    "line",
    [
        b'tProtocolName = ""DOE^JANE""',
        b'sPat.lAccelFactPE = ""2""',
        b"sPat.lAccelFactPE = 2DOE",
        b"sPat.lAccelFactPE = 1.2.826",
        b"sPat.lAccelFactPE = 8675309001",
        b"sPat.lAccelFactPE.DOE = 2",
        b"sPat.DOE = 2",
        b"sPatient.lBirthYear = 1962",
        b"DOE sPat.lAccelFactPE = 2",
        b" sPat.lAccelFactPE = 2",
        b"sPat.lAccelFactPE",
        b"alTR[86753] = 1",
        b"alTR[] = 1",
        b"DOE^JANE",
        b"",
    ],
)
def test_all_else_becomes_spaces(line: bytes) -> None:
    assert kept(line, b"alTR[0] = 1") == [b"", b"alTR[0] = 1"]


def test_what_follows_a_number_becomes_spaces() -> None:
    assert kept(b"alTR[0] = 6600000  # DOE^JANE") == [b"alTR[0] = 6600000"]
    assert kept(b"alTR[0] = 6600000\r") == [b"alTR[0] = 6600000"]


def test_keys_count_in_sections_only() -> None:
    text = b"alTR[0] = 1\n" + BEGIN + b"alTR[0] = 2\n" + END + b"\nalTR[0] = 3\n"
    assert scrub_protocol(text).split() == [*BEGIN.split(), b"alTR[0]", b"=", b"2", *END.split()]


def test_every_section_counts() -> None:
    section = BEGIN + b"alTR[0] = 2\n" + END + b"\n"
    assert scrub_protocol(section * 3).count(b"alTR[0] = 2") == 3


def test_the_first_line_of_a_section_loses_its_attributes() -> None:
    text = b"### ASCCONV BEGIN object=DOE@JANE version=1 ###\nalTR[0] = 2\n" + END
    scrubbed = scrub_protocol(text)
    assert scrubbed.strip() == BEGIN + b"alTR[0] = 2\n" + END
    assert len(scrubbed) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        BEGIN,
        BEGIN + b"alTR[0] = 2\n",
        b"### ASCCONV BEGIN" + END + b"\nalTR[0] = 2\n",
        b"### ASCCONV BEGIN\nalTR[0] = 2\n" + END,
        END + b"\nalTR[0] = 2\n" + BEGIN,
    ],
)
def test_what_is_no_whole_section_becomes_spaces(text: bytes) -> None:
    assert b"alTR" not in scrub_protocol(text)


WORDS = st.sampled_from(
    [
        BEGIN,
        END,
        BEGIN[:-1],
        b"\n",
        b"\r\n",
        b" = ",
        b"alTR[0] = 5\n",
        b"DOE",
        b"\0",
        b"###",
        b"\xff",
    ]
)


@given(words=st.lists(WORDS, max_size=12))
def test_no_arrangement_lets_a_name_through(words: list[bytes]) -> None:
    text = b"".join(words)
    scrubbed = scrub_protocol(text)
    assert len(scrubbed) == len(text)
    assert b"DOE" not in scrubbed
    assert scrub_protocol(scrubbed) == scrubbed
