"""Every row of Table E.1-1 that can hold a value, planted in screen shots of the patients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from tests.corpus.images import secondary_capture
from tests.corpus.records import Scribe, clock, item, uid
from tests.corpus.table import Row, text_rows

# Sorts of values that an option lets stay, by the option.
_SORTS: Final = {
    "retain_device_identity": "device",
    "retain_institution_identity": "institution",
    "retain_patient_characteristics": "characteristic",
}


def stray_rows(scribe: Scribe, series: int, part: int, parts: int) -> Dataset:
    """Return a secondary capture that holds the part-th of `parts` slices of the table."""
    data_set = secondary_capture(scribe, series)[0]
    for number, (row, vr) in enumerate(text_rows()):
        if number % parts == part and row.tag not in data_set and vr in _VALUES:
            data_set.add_new(row.tag, vr, _VALUES[vr](scribe, row))
    return data_set


# Forms of dates that archives hold: ACR-NEMA, partial, with a zone, several, and no date at all.
_ODD_DATES: Final = (
    (0x00189701, "DT", "%Y%m"),
    (0x00181204, "DA", "%Y.%m.%d"),
    (0x00181205, "DA", "%Y.%m.%d"),
    (0x0040A13A, "DT", "%Y"),
    (0x00181203, "DT", "%Y%m%d235959.999999-0530"),
    (0x00181200, "DA", "%Y%m%d\\%Y%m17\\%Y0228"),
    (0x00380020, "DA", "%Y1345"),
    (0x001021D0, "DA", "%d/%m/%y"),
)


def odd_dates(scribe: Scribe, series: int) -> Dataset:
    """Return a secondary capture whose dates have unusual forms."""
    data_set = secondary_capture(scribe, series)[0]
    for tag, vr, form in _ODD_DATES:
        value = scribe.visit.day.strftime(form)
        data_set[tag] = DataElement(tag, vr, value, validation_mode=IGNORE)
    return data_set


def _line(scribe: Scribe, row: Row, template: str) -> str:
    for option, sort in _SORTS.items():
        if row.options.get(option) == "K":
            return scribe.secret(f"L{row.tag:08X}55{scribe.visit.number}", sort)
    # What no option cleans holds no clinical phrase: such a text would be an address or a place.
    cleaned = "C" in row.options.values()
    return scribe.say(template if cleaned else template.rpartition("] ")[2])


def _name(scribe: Scribe, row: Row) -> str:
    person = scribe.visit.person
    names = (person.full_name, person.hospital.reading, person.hospital.operator)
    return names[row.tag % len(names)]


def _items(scribe: Scribe, row: Row) -> list[Dataset]:
    name = scribe.visit.person.full_name
    return [item(PatientName=name, PatientID=scribe.visit.person.patient_id)]


_VALUES: Final[dict[str, Callable[[Scribe, Row], object]]] = {
    "AE": lambda scribe, row: _line(scribe, row, "{order}"),
    "SH": lambda scribe, row: _line(scribe, row, "{id}"),
    "LO": lambda scribe, row: _line(scribe, row, "[CT chest] {family} {id}"),
    "UC": lambda scribe, row: _line(scribe, row, "[MRI brain] {family} {id}"),
    "ST": lambda scribe, row: _line(scribe, row, "[Lung nodule 4 mm] {comma} {id}"),
    "LT": lambda scribe, row: _line(scribe, row, "[No fracture.] {natural}, {accession}"),
    "UT": lambda scribe, row: _line(scribe, row, "[Pleural effusion.] {natural}, {birth}"),
    "UR": lambda scribe, row: _line(scribe, row, "{url}"),
    "PN": _name,
    "DA": lambda scribe, row: scribe.visit.date,
    "TM": lambda scribe, row: clock(scribe.visit, row.tag % 600),
    "DT": lambda scribe, row: scribe.visit.date + clock(scribe.visit, row.tag % 600) + ".5",
    "AS": lambda scribe, row: "047Y",
    "UI": lambda scribe, row: uid(scribe.visit, 88, row.tag),
    "SQ": _items,
}
