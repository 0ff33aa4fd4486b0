"""Every row under every option, executed: one file with all attributes, through the public path."""

from __future__ import annotations

import datetime as dt

import pytest

from fastdeid.available import AVAILABLE
from tests.options.expected import OPTIONS, ROWS, Row, expect, tag_of
from tests.options.profiles import with_options
from tests.options.test_rows import CT
from tests.options.whole_file import NO_DATA_SET, Output, de_identify, originals, vr_of

EXECUTED = [option for option in OPTIONS if option in AVAILABLE]


def moved(value: bytes, days: int) -> bytes:
    day = dt.datetime.strptime(value[:8].decode(), "%Y%m%d") + dt.timedelta(days)  # noqa: DTZ007
    return f"{day:%Y%m%d}".encode() + value[8:]


def is_right(row: Row, output: Output, operation: str, replace: str) -> bool:
    """Tell whether the output has what an operation makes of the original value."""
    tag = tag_of(row)
    old, new = originals()[tag], output.values.get(tag)
    if operation == "REMOVE" or new is None:
        return operation == "REMOVE" and new is None
    if operation == "EMPTY":
        return new == b""
    if (
        operation == "KEEP"
        or replace == "clean"
        or (replace == "shift" and vr_of(row.vr) in "TMSH")
    ):
        return new == old
    if replace == "shift":
        return new == moved(old, output.days)
    if replace == "cap_age":
        return new == b"090Y"
    if replace == "map_uid":
        return new.startswith(b"2.25.")
    return new not in {old, b""}


def wrong(options: tuple[str, ...]) -> list[tuple[str, str]]:
    output = de_identify(options)
    meta = output.data_set.file_meta
    assert meta.MediaStorageSOPInstanceUID == output.data_set.SOPInstanceUID  # (0002,0003)
    rules = with_options(options).rules(CT)
    found = []
    for row in ROWS:
        expected = expect(row, options, rules.attribute_type(tag_of(row)))
        if tag_of(row) >> 16 not in NO_DATA_SET and not is_right(row, output, *expected):
            found.append((row.pattern, expected.operation))
    return found


def test_without_options_every_row_is_carried_out() -> None:
    assert wrong(()) == []


@pytest.mark.parametrize("option", EXECUTED)
def test_every_row_is_carried_out_under_every_option(option: str) -> None:
    assert wrong((option,)) == []


def test_the_options_of_research_are_carried_out_together() -> None:
    research = (
        *("clean_descriptors", "retain_longitudinal_modified_dates", "retain_safe_private"),
        *("retain_patient_characteristics", "retain_device_identity"),
    )
    assert wrong(tuple(option for option in research if option in AVAILABLE)) == []
