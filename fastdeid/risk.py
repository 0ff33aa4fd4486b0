"""How many patients share their characteristics: small classes, and what would lift them.

A class is what is equal in all the characteristics looked at; its size is the number of patients
in it (k-anonymity). Generalisation makes classes larger: age in wider bands, or left out.
"""

from __future__ import annotations

import itertools
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from fastdeid.errors import UsageError

# Names of characteristics and the columns of the manifest that they come from.
_SOURCES: Final = {
    "sex": "patient_sex",
    "age": "patient_age",
    "age_band": "patient_age",
    "body_part": "body_part_examined",
}
_UNITS: Final = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_SITE: Final = "site"
_BANDS: Final = (5, 10, 20)
_OLDEST: Final = 90
_SHOWN: Final = 1000

Level = tuple[str, Callable[[str], str]]


class SmallClass(msgspec.Struct, frozen=True):
    """One class with fewer than k patients."""

    values: dict[str, str]
    patients: int


class Remedy(msgspec.Struct, frozen=True):
    """A generalisation, what it leaves of small classes, and how many classes there are then."""

    steps: list[str]
    small_classes: int
    small_patients: int
    classes: int


class Risk(msgspec.Struct, frozen=True):
    """Classes under k: small lists them, the smallest first and at most 1,000.

    one_value: characteristics that no table has, so that all patients are alike in them: the site.

    single: what each generalisation does alone. remedies: the combinations with the fewest steps
    that leave no class under k; none when even leaving everything out does not help.
    """

    k: int
    by: list[str]
    one_value: list[str]
    patients: int
    classes: int
    small_classes: int
    small_patients: int
    small: list[SmallClass]
    single: list[Remedy]
    remedies: list[Remedy]


def assess(
    manifest: str | os.PathLike[str],
    by: Sequence[str],
    *,
    k: int,
    table: str | os.PathLike[str] | None = None,
) -> Risk:
    """Return the classes of a manifest's patients with fewer than k of them.

    by: sex, age_band, body_part, or any column of the manifest or of `table`. table: a table with
    the column patient, such as one that `link` has made; its columns go before the manifest's. The
    site is in no manifest: without a column of that name in `table` all patients are of one.

    Raises UsageError for an unknown characteristic, InputError when a table cannot be read.
    """
    one_value = sorted({_SITE} & set(by) - _outer_columns(table))
    by = [name for name in by if name not in one_value]
    if k < 1 or not by or len(set(by)) < len(by):
        raise UsageError("k is at least 1, and each characteristic is named once")
    patients = _characteristics(manifest, by, table)
    records = _records(patients, [_levels(name)[0][1] for name in by])
    sizes = _sizes(records)
    small = sorted((len(who), values) for values, who in sizes.items() if len(who) < k)
    plain, remedies = _remedies(patients, by, k)
    return Risk(
        k=k,
        by=by,
        one_value=one_value,
        patients=len(patients),
        classes=len(sizes),
        small_classes=len(small),
        small_patients=_n_small(sizes, k),
        small=[
            SmallClass(dict(zip(by, values, strict=True)), size) for size, values in small[:_SHOWN]
        ],
        single=plain,
        remedies=remedies,
    )


# By patient the distinct values of the characteristics: more than one when the patient has images
# of two modalities, say.
_Patients = dict[str, set[tuple[str, ...]]]


def _records(patients: _Patients, levels: Sequence[Callable[[str], str]]) -> _Patients:
    """Return the records with each characteristic generalised."""
    return {
        patient: {
            tuple(level(value) for level, value in zip(levels, values, strict=True))
            for values in records
        }
        for patient, records in patients.items()
    }


def _sizes(patients: _Patients) -> dict[tuple[str, ...], set[str]]:
    classes: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for patient, records in patients.items():
        for values in records:
            classes[values].add(patient)
    return classes


def _n_small(classes: dict[tuple[str, ...], set[str]], k: int) -> int:
    return len(set().union(*(who for who in classes.values() if len(who) < k)))


# Generalisation ------------------------------------------------------------------------------


def _levels(name: str) -> list[Level]:
    """Return the generalisations of a characteristic, finest first, each with its name."""
    left_out: Level = (f"leave {name} out", lambda _: "*")
    if name == "age_band":
        bands: list[Level] = [
            (f"age in bands of {years} years", lambda text, years=years: _band(text, years))  # type: ignore[misc]
            for years in _BANDS
        ]
        return [*bands, left_out]
    return [(name, str), left_out]


def _band(text: str, years: int) -> str:
    """Return the band of an AS value (PS3.5 section 6.2), "" for one that is none."""
    match = re.fullmatch(r"([0-9]{1,3})([DWMY]?)", text)
    if match is None:
        return ""
    age = int(int(match[1]) * _UNITS[match[2] or "Y"])
    if age >= _OLDEST:
        return f"{_OLDEST}+"
    first = age // years * years
    return f"{first}-{min(first + years, _OLDEST) - 1}"


def _remedies(patients: _Patients, by: Sequence[str], k: int) -> tuple[list[Remedy], list[Remedy]]:
    """Return what single steps do, and the smallest combinations of levels that lift all."""
    levels = [_levels(name) for name in by]
    combinations = sorted(itertools.product(*(range(len(one)) for one in levels)), key=sum)
    single, lifting = [], []
    fewest = None
    for places in combinations:
        n_steps = sum(places)
        if fewest is not None and n_steps > fewest:
            break
        changed = [number for number, place in enumerate(places) if place]
        if not changed:
            continue
        remedy = _remedy(patients, levels, places, k)
        if len(changed) == 1:
            single.append(remedy)
        if not remedy.small_classes:
            fewest = n_steps
            lifting.append(remedy)
    return single, sorted(lifting, key=lambda remedy: -remedy.classes)


def _remedy(
    patients: _Patients, levels: list[list[Level]], places: Sequence[int], k: int
) -> Remedy:
    chosen = [level[place] for level, place in zip(levels, places, strict=True)]
    classes = _sizes(_records(patients, [generalise for _, generalise in chosen]))
    return Remedy(
        steps=[name for (name, _), place in zip(chosen, places, strict=True) if place],
        small_classes=sum(len(who) < k for who in classes.values()),
        small_patients=_n_small(classes, k),
        classes=len(classes),
    )


# Reading -------------------------------------------------------------------------------------


def _characteristics(
    manifest: str | os.PathLike[str], by: Sequence[str], table: str | os.PathLike[str] | None
) -> _Patients:
    from fastdeid.exports.studies import read_manifest
    from fastdeid.manifest import MANIFEST

    columns = [_SOURCES.get(name, name) for name in by]
    outer = _outer_columns(table)
    beside = [column for column in columns if column in outer]
    own = [column for column in columns if column not in outer]
    unknown = sorted(set(own) - {column.name for column in MANIFEST.columns})
    if unknown:
        raise UsageError(f"no column of the manifest, nor of a table: {', '.join(unknown)}")
    rows = read_manifest(manifest, ("patient", *dict.fromkeys(own)))
    inner = _grouped(rows.to_batches(), own)
    if not beside:
        return inner
    from fastdeid.tabular import Table

    joined = _grouped(Table(table or "", ["patient", *beside]).batches(), beside)
    order = [(*own, *beside).index(column) for column in columns]
    nothing = {("",) * len(beside)}
    return {
        patient: {
            tuple((*first, *second)[place] for place in order)
            for first in records
            for second in joined.get(patient, nothing)
        }
        for patient, records in inner.items()
    }


def _outer_columns(table: str | os.PathLike[str] | None) -> set[str]:
    if table is None:
        return set()
    from fastdeid.tabular import column_names

    return set(column_names(table)) - {"patient"}


def _grouped(batches: Iterable[Any], columns: Sequence[str]) -> _Patients:
    """Return the distinct values of columns by patient, nulls as ""."""
    found: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
    for batch in batches:
        values = [batch.column(name).to_pylist() for name in columns]
        patients = batch.column("patient").to_pylist()
        rows = zip(*values, strict=True) if values else itertools.repeat(())
        for patient, row in set(zip(patients, rows, strict=False)):
            if patient is not None:
                found[patient].add(tuple("" if value is None else str(value) for value in row))
    return dict(found)
