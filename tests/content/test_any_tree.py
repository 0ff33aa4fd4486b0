"""What holds for every tree of content items, however odd."""

from __future__ import annotations

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from fastdeid.codes import Operation
from fastdeid.kernels.elements import END, IS_ITEM, N_COLUMNS, PARENT, TAG
from fastdeid.profiles.tables import read_content_table
from fastdeid.structured import StructuredContent
from tests.content.finding import read, rows_of
from tests.content.trees import Code, content, document
from tests.scenarios.studies import item

VALUES: Final = {
    "TEXT": "Jane Doe",
    "PNAME": "Doe^Jane",
    "DATE": "19620304",
    "DATETIME": "196203041011",
    "TIME": "1011",
    "UIDREF": "1.2.3",
    "CODE": ("99HOSP", "1", "Dr. Doe"),
    "NUM": 91,
    "IMAGE": "1.2.3",
    "COMPOSITE": "1.2.3",
    "CONTAINER": None,
    "SCOORD": None,
    "": None,
}
LISTED: Final = [(row.scheme, row.value, row.meaning) for row in read_content_table().rows]
UNLISTED: Final[list[Code]] = [("DCM", "125007", "Group"), ("99HOSP", "7", "Patient")]
# Text Value, Person Name, Date, DateTime, Time, Unformatted Text Value.
IDENTIFYING: Final = (0x0040A160, 0x0040A123, 0x0040A121, 0x0040A120, 0x0040A122, 0x00700006)
CONTENT: Final = 0x0040A730
OPTIONS: Final = (
    *("retain_uids", "retain_device_identity", "retain_patient_characteristics"),
    *("retain_longitudinal_modified_dates", "clean_descriptors"),
)


@st.composite
def items(draw: st.DrawFn, depth: int = 3) -> Dataset:
    """Draw a content item with what stands below it."""
    value_type = draw(st.sampled_from(sorted(VALUES)))
    concept = draw(st.none() | st.sampled_from(UNLISTED) | st.sampled_from(LISTED))
    below = draw(st.lists(items(depth=depth - 1), max_size=3)) if depth else []
    one = content(value_type, concept, VALUES[value_type], *below)
    if draw(st.integers(0, 4)) == 0:
        del one.ValueType
    if draw(st.integers(0, 4)) == 0:
        one.TextValue, one.PersonName = "Jane Doe", "Doe^Jane"
    if draw(st.integers(0, 19)) == 0:
        one.ReferencedContentItemIdentifier = [1, 1]
    return one


@settings(max_examples=60, deadline=None)
@given(
    trees=st.lists(items(), min_size=1, max_size=3),
    options=st.lists(st.sampled_from(OPTIONS), unique=True),
)
def test_every_tree_is_treated_whole_and_stays_a_tree(
    trees: list[Dataset], options: list[str]
) -> None:
    reader = read(document(*trees))
    finder = StructuredContent(["clean_structured_content", *options])
    found = {row: (how, replace) for row, how, replace in finder.find(reader, rows_of(reader))}
    table = reader.table[: reader.n_rows].tolist()
    removed = {row for row, (how, _) in found.items() if how is Operation.REMOVE}
    for row, cells in enumerate(table):
        if row in removed:
            # What stands in a removed row is removed, so that nothing looks at it again.
            assert set(range(row, cells[END])) <= removed
            continue
        if cells[TAG] in IDENTIFYING and cells[PARENT] >= 0:
            kept = found.get(row, (Operation.KEEP, ""))[0] is Operation.KEEP
            assert not kept or "retain_device_identity" in options
        if cells[TAG] == CONTENT:
            below = [at for at, one in enumerate(table) if one[PARENT] == row]
            assert set(below) - removed
    counted = any(cells[TAG] == 0x0040DB73 for cells in table)
    whole = [row for row in removed if table[row][7] & IS_ITEM and table[row][PARENT] >= 0]
    contents = [row for row in whole if table[table[row][PARENT]][TAG] == CONTENT]
    assert not (counted and contents)
    assert len(reader.cells) >= reader.n_rows * N_COLUMNS


def test_the_finder_takes_odd_codes_and_empty_sequences() -> None:
    odd = item(ValueType="TEXT", ConceptNameCodeSequence=[], TextValue="Jane Doe")
    empty = item(ValueType="CODE", ConceptCodeSequence=[item()], ContentSequence=[])
    nothing = item()
    reader = read(document(odd, empty, nothing))
    found = StructuredContent(()).find(reader, rows_of(reader))
    assert [replace for _, _, replace in found] == ["clean"]
