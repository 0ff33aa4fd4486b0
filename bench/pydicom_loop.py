"""What one would write without fastdeid: read with pydicom, edit by the same rules, save.

`python -m bench.pydicom_loop CORPUS SCRATCH KEY N` de-identifies N files in one process and prints
the wall and CPU seconds as JSON. The loop is kept as fast as pydicom allows: decisions and
replacements are remembered, imports and a first file are not counted, nothing is checked for leaks
and no manifest is written.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset

from bench.corpora import files
from fastdeid.actions import Context, resolve
from fastdeid.keys import read_key
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import Profile, Rules, load_profile

_NUMBERS = frozenset("FD FL SL SS SV UL US UV".split())


class Loop:
    """Read, edit, save, with the rules of one profile and the pseudonyms of one key."""

    def __init__(self, profile: Profile, pseudonyms: Pseudonyms) -> None:
        self._profile = profile
        self._pseudonyms = pseudonyms
        self._decisions: dict[tuple[str, tuple[int, ...], int], tuple[int, int]] = {}
        self._values: dict[tuple[int, str, str], Any] = {}

    def process(self, source: Path, target: Path) -> None:
        """De-identify one file and write it below `target` under its new SOP Instance UID."""
        ds = pydicom.dcmread(source)
        rules = self._profile.rules(str(ds.SOPClassUID))
        patient = self._pseudonyms.patient(str(ds.PatientID), str(ds.get("IssuerOfPatientID", "")))
        context = Context(
            patient=patient,
            charsets=("ISO_IR 100",),
            explicit=True,
            big_endian=False,
            mime_type="",
            sop_class=str(ds.SOPClassUID),
        )
        self._edit(ds, (), rules, context)
        ds.PatientIdentityRemoved = "YES"
        ds.DeidentificationMethod = self._profile.method
        ds.LongitudinalTemporalInformationModified = "REMOVED"
        ds.DeidentificationMethodCodeSequence = [_code(*entry) for entry in self._profile.codes]
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.preamble = bytes(128)
        folder = target / patient / ds.StudyInstanceUID / ds.SeriesInstanceUID
        folder.mkdir(parents=True, exist_ok=True)
        ds.save_as(folder / f"{ds.SOPInstanceUID}.dcm", enforce_file_format=True)

    def _edit(self, ds: Dataset, path: tuple[int, ...], rules: Rules, context: Context) -> None:
        """Apply the rules to every element of `ds`; path: the sequences that lead to it."""
        for element in list(ds):
            tag = int(element.tag)
            operation, kind = self._decide(tag, path, rules)
            if operation == 1:
                del ds[element.tag]
            elif operation == 2:
                element.value = [] if element.VR == "SQ" else None
            elif operation == 3:
                element.value = self._replace(element, kind, rules, context)
            elif element.VR == "SQ":
                for item in element.value:
                    self._edit(item, (*path, tag), rules, context)

    def _decide(self, tag: int, path: tuple[int, ...], rules: Rules) -> tuple[int, int]:
        key = (rules.sop_class_uid, path, tag)
        if key not in self._decisions:
            self._decisions[key] = rules.decide(tag, rules.context_of(path))
        return self._decisions[key]

    def _replace(
        self, element: pydicom.DataElement, kind: int, rules: Rules, context: Context
    ) -> Any:
        if element.VR == "SQ":
            return []
        value = element.value
        text = "\\".join(map(str, value)) if element.VM > 1 else str(value or "")
        key = (kind, context.patient, text)
        if key not in self._values:
            raw = text.encode("latin-1", "replace")
            made, _ = resolve(
                rules.kinds[kind], raw, context, self._pseudonyms, self._profile.registry
            )
            self._values[key] = _plain(made, element.VR)
        return self._values[key]


def _plain(raw: bytes, vr: str) -> Any:
    """Return a replacement as pydicom wants it: text, 0 for numbers, bytes for the rest."""
    if vr in _NUMBERS:
        return 0
    if vr.startswith("O") or vr == "UN":
        return raw
    return raw.decode("ascii").rstrip("\0 ")


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, scheme, meaning
    return ds


def measure(corpus: Path, scratch: Path, key: Path, n_files: int) -> dict[str, float]:
    """Return files, wall seconds and CPU seconds of the loop over the first `n_files` files."""
    paths = list(files(corpus / "first"))[: n_files + 1]
    loop = Loop(load_profile("basic"), Pseudonyms(read_key(key)))
    loop.process(paths[0], scratch)
    wall, cpu = time.perf_counter(), time.process_time()
    for path in paths[1:]:
        loop.process(path, scratch)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"n_files": len(paths) - 1, "cpu_seconds": cpu, "wall_seconds": wall}


if __name__ == "__main__":
    corpus, scratch, key = map(Path, sys.argv[1:4])
    print(json.dumps(measure(corpus, scratch, key, int(sys.argv[4]))))
