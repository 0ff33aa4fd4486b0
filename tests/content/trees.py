"""Content items as pydicom data sets."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset

from tests.scenarios.studies import code, item

_VALUES: Final = {
    "TEXT": "TextValue",
    "PNAME": "PersonName",
    "DATE": "Date",
    "DATETIME": "DateTime",
    "TIME": "Time",
    "UIDREF": "UID",
}
Code = tuple[str, str, str]


def content(
    value_type: str,
    concept: Code | None,
    value: object = None,
    *children: Dataset,
    relationship: str = "CONTAINS",
) -> Dataset:
    """Return a content item. concept: scheme, value, meaning. value: of the item's Value Type."""
    one = item(RelationshipType=relationship, ValueType=value_type)
    if concept is not None:
        scheme, number, meaning = concept
        one.ConceptNameCodeSequence = code(number, scheme, meaning)
    if value_type in _VALUES:
        setattr(one, _VALUES[value_type], value)
    elif value_type == "CODE":
        assert isinstance(value, tuple)
        one.ConceptCodeSequence = code(value[1], value[0], value[2])
    elif value_type == "NUM":
        unit = code("mm", "UCUM", "mm")
        measured = item(NumericValue=str(value), MeasurementUnitsCodeSequence=unit)
        one.MeasuredValueSequence = [measured]
    elif value_type in {"IMAGE", "COMPOSITE", "WAVEFORM"}:
        reference = item(ReferencedSOPClassUID="1.2", ReferencedSOPInstanceUID=str(value))
        one.ReferencedSOPSequence = [reference]
    if children:
        one.ContentSequence = list(children)
    return one


def document(*items: Dataset) -> Dataset:
    """Return the SR part of a document: its root and the items below it."""
    root = item(
        ValueType="CONTAINER",
        ConceptNameCodeSequence=code("126000", "DCM", "Imaging Measurement Report"),
        ContinuityOfContent="SEPARATE",
    )
    if items:
        root.ContentSequence = list(items)
    return root
