"""What an output refers to, found in the element table."""

from __future__ import annotations

from fastdeid import references
from fastdeid.codes import Operation
from fastdeid.dicom.reader import Reader
from fastdeid.kernels.elements import OPERATION, TAG
from tests.content.finding import read, rows_of
from tests.content.trees import content, document
from tests.scenarios.studies import item


def found(reader: Reader) -> tuple[bytes, ...]:
    return references.find(reader, [rows_of(reader)])[0]


def decide(reader: Reader, tag: int, operation: Operation) -> None:
    rows = reader.table[: reader.n_rows]
    rows[rows[:, TAG] == tag, OPERATION] = operation


def report() -> Reader:
    image = item(ReferencedSOPInstanceUID="1.2.31")
    data_set = document(
        content("IMAGE", None, "1.2.3"),
        content("CONTAINER", None, None, content("IMAGE", None, "1.2.30")),
        content("IMAGE", None, "1.2.3"),
    )
    data_set.ReferencedImageSequence = [image]
    return read(data_set)


def test_references_of_any_depth_are_found_once() -> None:
    assert found(report()) == (b"1.2.31", b"1.2.3", b"1.2.30")


def test_mapped_references_are_found_as_they_were() -> None:
    reader = report()
    decide(reader, 0x00081155, Operation.REPLACE)
    assert found(reader) == (b"1.2.31", b"1.2.3", b"1.2.30")


def test_what_the_output_does_not_hold_is_not_found() -> None:
    reader = report()
    decide(reader, 0x00081140, Operation.REMOVE)
    assert found(reader) == (b"1.2.3", b"1.2.30")
    decide(reader, 0x0040A730, Operation.REPLACE)
    assert found(reader) == ()


def test_most_files_refer_to_nothing() -> None:
    assert found(read(item(PatientName="Doe^Jane"))) == ()
    assert found(read(item(ReferencedImageSequence=[item(ReferencedSOPInstanceUID="")]))) == ()
