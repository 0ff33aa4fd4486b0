"""Every row of Table E.1-1 with a value of its own, all in one file: no value is left."""

from __future__ import annotations

import csv
import struct
from pathlib import Path
from typing import NamedTuple

import pytest

from fastdeid.verdicts import Verdict
from tests import builders as b
from tests.conftest import REPOSITORY
from tests.runs import ct_image, deidentify

TABLE = REPOSITORY / "profiles" / "ps3_15_table_e1_1.csv"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
RT_PLAN = "1.2.840.10008.5.1.4.1.1.481.5"
NO_IOD = "1.2.840.10008.5.1.4.1.1.6"
NUMBERS = frozenset(("FD", "FL", "SL", "SS", "SV", "UL", "US", "UV", "AT"))
REFERENCES = "X/Z/U*"  # kept where the instance needs them, with other UIDs


class Row(NamedTuple):
    """One attribute of the table."""

    tag: int
    vr: str
    code: str


def rows() -> list[Row]:
    """Return the rows of single attributes, in the order of their tags."""
    with TABLE.open(encoding="utf-8") as file:
        lines = list(csv.reader(file))[1:]
    single = [line for line in lines if "x" not in line[0] and "gggg" not in line[0]]
    return sorted(Row(int(line[0][1:5] + line[0][6:10], 16), line[1], line[5]) for line in single)


def planted(number: int, vr: str) -> bytes:
    """Return an even number of bytes that stand for row `number` and for nothing else."""
    if vr in {"DA", "DT", "TM"}:
        return {"DA": b"%08d", "DT": b"%014d", "TM": b"%06d"}[vr] % (701_000 + number)
    if vr == "AS":
        return b"%03dW" % number
    if vr in {"DS", "IS"}:
        return b"%08d" % (87_650_000 + number)
    if vr == "UI":
        return b"1.2.3.987.%06d" % number
    return b"PLANTED_%04d" % number


def element(number: int, row: Row, encoding: b.Encoding) -> bytes:
    if row.vr == "SQ":
        inside = b.element(0x00080070, "LO", planted(number, "LO"), encoding)
        return b.sequence(row.tag, [b.item(inside, encoding)], encoding)
    value = planted(number, row.vr)
    if row.vr in NUMBERS:
        value = struct.pack("<Q", 0x5EED_0000_0000_0000 + number)
    return b.element(row.tag, row.vr, value, encoding)


@pytest.mark.parametrize("encoding", b.ENCODINGS, ids=lambda one: one.transfer_syntax)
@pytest.mark.parametrize(
    "sop_class", [b.CT_IMAGE_STORAGE, MR_IMAGE, ENHANCED_CT, BASIC_TEXT_SR, RT_PLAN, NO_IOD]
)
def test_no_value_of_any_row_is_left_at_any_depth(
    tmp_path: Path, sop_class: str, encoding: b.Encoding
) -> None:
    named = [row for row in rows() if row.vr and row.tag >> 16 >= 8]
    assert len(named) > 640
    elements = {row.tag: element(number, row, encoding) for number, row in enumerate(named)}
    # An encapsulated document is none of these SOP Classes' business.
    del elements[0x00420011]
    again = b.item(b"".join(elements.values()), encoding)
    nested = b.sequence(0x00081115, [again], encoding)
    own = [b.text(0x00080016, "UI", sop_class, encoding), nested, *elements.values()]
    data_set = ct_image(*own, encoding=encoding)
    run = deidentify(tmp_path, b.part10(data_set, encoding))
    assert run.outcome.verdict is Verdict.OK, (run.outcome.reason, hex(run.outcome.tag))
    output = run.data
    if encoding.deflated:
        output += b.inflate(run.data[144 + int.from_bytes(run.data[140:144], "little") :])
    left = [
        f"{row.tag:08X} {row.code}"
        for number, row in enumerate(named)
        if planted(number, "LO" if row.vr == "SQ" else row.vr) in output
        or (row.vr in NUMBERS and struct.pack("<Q", 0x5EED_0000_0000_0000 + number) in output)
    ]
    assert [line for line in left if not line.endswith(REFERENCES)] == []
