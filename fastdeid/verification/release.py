"""A release as a whole: the link table, the research manifest, and what lies in the folder."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from fastdeid import files, manifest
from fastdeid.columns import has_output
from fastdeid.crosswalk import CrosswalkPseudonyms
from fastdeid.errors import InputError
from fastdeid.objects import is_remote
from fastdeid.pixels.masked_box import MaskedBox
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.sealing import Sealing
from fastdeid.tables import schema
from fastdeid.verification.findings import Finding
from fastdeid.verification.instance import Row
from fastdeid.verification.originals import IDENTIFIER, NAME, PATIENT, PHRASE, UID, Original
from fastdeid.verification.shards import find_in_shards, names_of
from fastdeid.verification.tasks import Task

_ROWS_PER_TASK: Final = 256
_MOST_ORIGINALS: Final = 300_000
_ORIGINALS: Final = {
    "original_patient_id": PATIENT,
    "original_issuer_of_patient_id": PHRASE,
    "original_patient_name": NAME,
    "original_accession_number": IDENTIFIER,
    "original_study_instance_uid": UID,
    "original_series_instance_uid": UID,
    "original_sop_instance_uid": UID,
    "original_frame_of_reference_uid": UID,
}
_ROW: Final = tuple(Row.__struct_fields__)
_READ: Final = (
    *(name for name in _ROW if name != "source_path"),
    *("verdict", "source_path", "source_path_bytes", "specific_character_set"),
    *_ORIGINALS,
)
# Words of the research manifest that come from the files themselves.
_WORDS: Final = ("manufacturer", "manufacturer_model_name", "body_part_examined", "image_type")
_COMPARED: Final = (
    *manifest.PSEUDONYM_FIELDS,
    "output_path",
    "output_size",
    "shard",
    "shard_offset",
)


class Release:
    """The tables of a finished run. Raises InputError when they cannot be read."""

    def __init__(
        self, target: str, link_table: str, registry: frozenset[bytes], sealing: Sealing
    ) -> None:
        self._sealing = sealing
        self._target = target
        self._link_table = link_table
        self._registry = registry
        table = self._read(os.path.join(link_table, manifest.INSTANCES_FILE), list(_READ))
        self._all = table
        with_output = has_output(table.column("verdict"))
        self.outputs = table.filter(with_output).sort_by([("patient", "ascending")])

    def _read(self, path: str, columns: list[str] | None = None) -> pa.Table:
        name = os.path.basename(path)
        try:
            return self._sealing.read_table(path, columns)
        except FileNotFoundError:
            raise InputError(f"there is no {name}: is the run finished?") from None
        except (pa.ArrowException, OSError, ValueError):
            raise InputError(f"{name} cannot be read") from None

    # Tasks ----------------------------------------------------------------------------------

    def tasks(self, chosen: Sequence[bool]) -> Iterator[Task]:
        """Yield the tasks that verify the chosen outputs, one bool for each of `outputs`."""
        words = self._words()
        outputs = self.outputs.append_column("chosen", pa.array(chosen, pa.bool_()))
        for patient, rows in self._by_patient(outputs):
            originals = {
                Original(kind, text)
                for column, kind in _ORIGINALS.items()
                for text in pc.unique(rows.column(column)).to_pylist()
                if text and (kind != UID or text.encode() not in self._registry)
            }
            charsets = pc.unique(rows.column("specific_character_set")).to_pylist()
            wanted = [_row(one) for one in rows.filter(rows.column("chosen")).to_pylist()]
            for first in range(0, len(wanted), _ROWS_PER_TASK):
                yield Task(
                    wanted[first : first + _ROWS_PER_TASK],
                    sorted(originals),
                    [charset for charset in charsets if charset],
                    words.pop(patient, []),
                )

    def _offsets(self) -> Iterator[Finding]:
        """Check that all dates of a patient were moved alike, over all studies."""
        columns = ["patient", "date_offset"]
        distinct = self.outputs.select(columns).group_by(columns).aggregate([])
        patients = [one for one in distinct.column("patient").to_pylist() if one]
        if len(patients) > len(set(patients)):
            yield Finding("", "date_interval")

    def task_starts(self, chosen: Sequence[bool]) -> list[int]:
        """Return the row of `outputs` with which each task of `tasks` begins."""
        starts: list[int] = []
        n_taken = 0
        before: str | None = None
        for row, (patient, is_chosen) in enumerate(
            zip(self.outputs.column("patient").to_pylist(), chosen, strict=True)
        ):
            is_other = not starts or patient != before
            if is_other or (is_chosen and n_taken == _ROWS_PER_TASK):
                starts.append(row)
                n_taken = 0
            n_taken += is_chosen
            before = patient
        return starts

    def everybody(self) -> list[Original]:
        """Return names, IDs and study UIDs of all patients, none of an archive that has too many.

        A patient takes about a kilobyte of every worker.
        """
        names = ("original_patient_id", "original_patient_name", "original_study_instance_uid")
        columns = [pc.unique(self._all.column(name)).to_pylist() for name in names]
        if sum(len(values) for values in columns) > _MOST_ORIGINALS:
            return []
        return [
            Original(_ORIGINALS[name], value)
            for name, values in zip(names, columns, strict=True)
            for value in values
            if value and value.encode() not in self._registry
        ]

    @staticmethod
    def _by_patient(outputs: pa.Table) -> Iterator[tuple[str | None, pa.Table]]:
        patients = outputs.column("patient").to_pylist()
        first = 0
        for row in range(1, len(patients) + 1):
            if row == len(patients) or patients[row] != patients[first]:
                yield patients[first], outputs.slice(first, row - first)
                first = row

    def _words(self) -> dict[str | None, list[str]]:
        """Return the distinct words of the research manifest, by patient."""
        table = self._manifest()
        words: defaultdict[str | None, set[str]] = defaultdict(set)
        if table is not None:
            for name in _WORDS:
                pairs = table.select(["patient", name]).group_by(["patient", name]).aggregate([])
                for one in pairs.to_pylist():
                    if one[name]:
                        words[one["patient"]].add(one[name])
        return {patient: sorted(texts) for patient, texts in words.items()}

    def _manifest(self) -> pa.Table | None:
        try:
            table = self._read(os.path.join(self._target, manifest.MANIFEST_FILE))
        except InputError:
            return None
        known = schema(manifest.MANIFEST)
        return table if table.schema.equals(known, check_metadata=True) else None

    # The whole ------------------------------------------------------------------------------

    def find(self, pseudonyms: Pseudonyms) -> Iterator[Finding]:
        """Yield what is wrong with the folder, the manifest and the pseudonyms as a whole.

        pseudonyms: of the run.
        """
        yield from self._folder(pseudonyms)
        yield from find_in_shards(self._target, self.outputs)
        yield from self._tables()
        kinds: Sequence[str] = manifest.PSEUDONYM_FIELDS
        if isinstance(pseudonyms, CrosswalkPseudonyms):
            yield from self._subjects(pseudonyms)
            kinds = kinds[1:]
        yield from self._identities(kinds)
        yield from self._offsets()

    def _folder(self, pseudonyms: Pseudonyms) -> Iterator[Finding]:
        single = self.outputs.filter(pc.is_null(self.outputs.column("shard")))
        known = set(single.column("output_path").to_pylist()) | {manifest.MANIFEST_FILE}
        known |= names_of(self.outputs)
        folders = {""}
        for path in known:
            while (path := os.path.dirname(path)) not in folders:
                folders.add(path)
        if is_remote(self._target):
            for path, _ in files.sizes(self._target):
                # Stores of objects have no folders; some keep empty objects in their place.
                if path not in known and not path.endswith("/"):
                    yield Finding(_id(pseudonyms, path), "unknown_file")
            return
        for parent, names, own in os.walk(self._target):
            inside = os.path.relpath(parent, self._target)
            prefix = "" if inside == "." else inside + "/"
            for name in (*names, *own):
                path = prefix + name
                is_link = os.path.islink(os.path.join(parent, name))
                expected = folders if name in names else known
                if is_link:
                    yield Finding(_id(pseudonyms, path), "not_a_regular_file")
                elif path not in expected:
                    kind = "unknown_folder" if name in names else "unknown_file"
                    yield Finding(_id(pseudonyms, path), kind)

    def _tables(self) -> Iterator[Finding]:
        table = self._manifest()
        if table is None:
            yield Finding(manifest.MANIFEST_FILE, "table_differs")
            return
        rows = table.filter(has_output(table.column("status")))
        keys = [(name, "ascending") for name in ("output_path", "sop_instance_uid")]
        ours = self.outputs.sort_by(keys)
        theirs = rows.sort_by(keys)
        for name in _COMPARED:
            if ours.column(name).to_pylist() != theirs.column(name).to_pylist():
                yield Finding(manifest.MANIFEST_FILE, "table_differs")
                return

    def _subjects(self, pseudonyms: CrosswalkPseudonyms) -> Iterator[Finding]:
        """Compare patients and their date offsets with the crosswalk, output by output."""
        columns = ["original_patient_id", "original_issuer_of_patient_id", "patient", "date_offset"]
        distinct = self.outputs.select(columns).group_by(columns).aggregate([])
        for original, issuer, patient, offset in zip(
            *(distinct.column(name).to_pylist() for name in columns), strict=True
        ):
            # What is no text in the character set of its file does not stand here as it was read.
            if not ((original or "") + (issuer or "")).isascii():
                continue
            subject = pseudonyms.crosswalk.subject(original or "", issuer or "")
            days = pseudonyms.crosswalk.date_offset(patient)
            if subject != patient or days not in {None, offset}:
                yield Finding("", "crosswalk_differs")

    def _identities(self, kinds: Sequence[str]) -> Iterator[Finding]:
        """Check that originals and pseudonyms correspond one to one."""
        for kind in kinds:
            columns = [kind, f"original_{kind}"]
            if kind == "patient":
                columns = [kind, "original_patient_id", "original_issuer_of_patient_id"]
            table = self._all.select(columns).group_by(columns).aggregate([])
            originals: defaultdict[Any, set[Any]] = defaultdict(set)
            pseudonyms: defaultdict[Any, set[Any]] = defaultdict(set)
            for one in table.to_pylist():
                pseudonym = one[kind]
                original = tuple((one[name] or "").strip() for name in columns[1:])
                if pseudonym and original[0]:
                    originals[pseudonym].add(original)
                    pseudonyms[original].add(pseudonym)
            if any(len(values) > 1 for values in originals.values()):
                yield Finding("", "shared_pseudonym", "", -1, kind)
            if any(len(values) > 1 for values in pseudonyms.values()):
                yield Finding("", "split_identity", "", -1, kind)

    def digest(self) -> str:
        """Return what tells the outputs of this run from those of another."""
        state = hashlib.blake2b(digest_size=16)
        for path, size in zip(
            *(self.outputs.column(name).to_pylist() for name in ("output_path", "output_size")),
            strict=True,
        ):
            state.update(f"{path} {size}\n".encode())
        return state.hexdigest()

    def instances(self) -> set[str]:
        """Return the SOP Instance UIDs of all outputs."""
        return set(self.outputs.column("sop_instance_uid").to_pylist())


def _row(values: dict[str, Any]) -> Row:
    path = values["source_path_bytes"] or (values["source_path"] or "").encode()
    given = {name: values[name] for name in _ROW if name != "source_path"}
    boxes = msgspec.json.decode(values["masks"] or "[]", type=list[MaskedBox])
    given["masks"] = [box for box in boxes if not box.is_elsewhere]
    return Row(source_path=path, **given)


def _id(pseudonyms: Pseudonyms, path: str) -> str:
    return "file " + pseudonyms.file_id(os.fsencode(path))
