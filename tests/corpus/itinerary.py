"""Which patient had which examinations: the data sets of each visit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pydicom.dataset import Dataset

from tests.corpus import documents, images, private, therapy
from tests.corpus.answers import Planted
from tests.corpus.records import Scribe
from tests.corpus.strays import odd_dates, stray_rows

Studies = Iterator[Dataset]


def _pet_ct(scribe: Scribe) -> Studies:
    slices = images.ct_series(scribe, 2)
    emission = images.pet_series(scribe, 3)
    yield from (*slices, *emission)
    if scribe.visit.number == 1:
        yield documents.dose_report(scribe, 4)
        yield documents.key_objects(scribe, 5, [slices[0], emission[1]])


def _ct_with_report(scribe: Scribe) -> Studies:
    slices = images.ct_series(scribe, 2)
    yield from slices
    yield documents.report(scribe, 6, slices)


def _ct_with_key_objects(scribe: Scribe) -> Studies:
    slices = images.ct_series(scribe, 2, count=2)
    yield from slices
    yield documents.key_objects(scribe, 5, slices)


def _ct(scribe: Scribe) -> Studies:
    yield from images.ct_series(scribe, 2, count=2)


def _ct_and_letter(scribe: Scribe) -> Studies:
    yield from images.ct_series(scribe, 2, count=2)
    yield documents.letter(scribe, 9)


def _radiotherapy(scribe: Scribe) -> Studies:
    slices = images.ct_series(scribe, 2)
    structures = therapy.structure_set(scribe, 11, slices)
    planned = therapy.plan(scribe, 12, structures)
    yield from (*slices, structures, planned, therapy.dose(scribe, 13, planned))


def _mr(scribe: Scribe) -> Studies:
    yield from images.mr_series(scribe, 3)


def _mr_with_state(scribe: Scribe) -> Studies:
    slices = images.mr_series(scribe, 3)
    yield from (*slices, documents.presentation_state(scribe, 7, slices))


def _mammography(scribe: Scribe) -> Studies:
    views = images.mammography(scribe, 4)
    yield from views
    if scribe.visit.number == 1:
        yield documents.report(scribe, 6, views)
    else:
        yield documents.key_objects(scribe, 5, views)


def _ultrasound(scribe: Scribe) -> Studies:
    yield from images.ultrasound(scribe, 3)


def _segmentation(scribe: Scribe) -> Studies:
    slices = images.ct_series(scribe, 2)
    yield from slices
    yield documents.segmentation(scribe, 8, slices)
    yield documents.presentation_state(scribe, 7, slices)


def _mr_and_ecg(scribe: Scribe) -> Studies:
    yield from images.mr_series(scribe, 3)
    yield therapy.ecg(scribe, 10)


def _enhanced(scribe: Scribe) -> Studies:
    yield from (*images.mr_series(scribe, 3), *images.enhanced_mr(scribe, 4))


def _radiograph(scribe: Scribe) -> Studies:
    yield from images.radiography(scribe, 1)


def _ecg_and_letter(scribe: Scribe) -> Studies:
    yield therapy.ecg(scribe, 10)
    yield documents.letter(scribe, 9)


def _pet(scribe: Scribe) -> Studies:
    yield from images.pet_series(scribe, 3)


Plan = Callable[[Scribe], Studies]
Vendor = Callable[[Scribe, Dataset, list[Planted]], None]

_STUDIES: Final[dict[str, tuple[Plan, ...]]] = {
    "doe": (_pet_ct, _pet_ct, _ct),
    "mueller": (_radiotherapy, _ct_and_letter),
    "aubigne": (_mr, _mr_with_state),
    "nunez": (_mammography, _mammography),
    "santos": (_ultrasound, _ultrasound),
    "filippo": (_segmentation, _ct_with_report),
    "berg": (_mr_and_ecg, _mr),
    "yamada": (_ct_with_key_objects, _enhanced),
    "hong": (_mr, _ultrasound),
    "wang": (_ct_with_report, _radiotherapy),
    "petrov": (_radiograph, _ecg_and_letter),
    "ng": (_ct, _pet),
    "head": (_ct, _mr),
}
_VENDORS: Final[dict[str, Vendor]] = {
    "aubigne": private.siemens,
    "hong": private.general_electric,
    "berg": private.philips,
    "doe": private.philips_pet,
    "wang": private.declared_safe,
    "mueller": private.hidden,
}


def studies(scribe: Scribe, part: int, parts: int) -> Iterator[tuple[Dataset, list[Planted]]]:
    """Yield the data sets of a visit, with what was planted in them as bytes."""
    person = scribe.visit.person.key
    for data_set in _STUDIES[person][scribe.visit.number - 1](scribe):
        planted: list[Planted] = []
        if person in _VENDORS and data_set.Modality in {"MR", "CT", "PT"}:
            _VENDORS[person](scribe, data_set, planted)
        yield data_set, planted
    if scribe.visit.number == 1:
        yield stray_rows(scribe, 20, part, parts), []
    if scribe.visit.number == 2 and part % 3 == 0:
        yield odd_dates(scribe, 21), []
