"""The work of a verification in pieces: some outputs of one patient each."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from typing import Final

import msgspec
import pydicom.charset

from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import Profile
from fastdeid.settings import MEASUREMENTS
from fastdeid.summary import place_of
from fastdeid.verification import dciodvfy
from fastdeid.verification.comparison import MapUid, harvest, read_source
from fastdeid.verification.findings import Finding
from fastdeid.verification.instance import InstanceCheck, Row
from fastdeid.verification.originals import Original, find_needles, find_whole_needles
from fastdeid.verification.places import Content
from fastdeid.verification.searching import Searcher
from fastdeid.verification.second_look import SecondLook

_NAMES: Final = re.compile(r"[^/]+")


class Setup(msgspec.Struct, frozen=True):
    """What all tasks share.

    source: folder to compare with, "" for none. dciodvfy: ask it, too. everybody: names, IDs and
    study UIDs of all patients. ocr: read text in pixels.
    """

    target: str
    source: str
    profile: str
    key: bytes
    dciodvfy: bool
    everybody: list[Original]
    ocr: bool = False


class Task(msgspec.Struct, frozen=True):
    """Outputs of one patient. originals: all of the patient. charsets: terms of (0008,0005).

    texts: what the research manifest says of these outputs in words.
    """

    rows: list[Row]
    originals: list[Original]
    charsets: list[str]
    texts: list[str]


class Result(msgspec.Struct):
    """What a task has found.

    n_unchecked: outputs whose masked boxes could not be decoded. references: SOP Instance UIDs
    that the outputs refer to. frames_read to n_unread: see `SecondLook`.
    """

    findings: list[Finding]
    n_files: int
    n_bytes: int
    n_chance: int
    n_needles: int
    n_unchecked: int
    references: list[str]
    frames_read: int = 0
    frames_with_text: int = 0
    n_unread: int = 0


class Verifier:
    """Does one task after another. profile: the one that `setup` names."""

    def __init__(self, setup: Setup, profile: Profile) -> None:
        self._setup = setup
        self._pseudonyms = Pseudonyms(setup.key)
        everybody = Searcher(find_whole_needles(setup.everybody))
        self._check = InstanceCheck(profile, setup.target, everybody, self._pseudonyms)
        keeps = profile.settings.pixels.keep == MEASUREMENTS
        look = SecondLook(setup.target, keeps_measurements=keeps)
        self._second_look = look if setup.ocr else None

    def run(self, task: Task) -> Result:
        """Check the outputs of a task. Whatever they are, it ends in findings, never in errors."""
        findings: list[Finding] = []
        originals = set(task.originals)
        sources: dict[str, Content] = {}
        for row in task.rows if self._setup.source else ():
            source = read_source(self._setup.source, row.source_path)
            if source is None:
                findings.append(Finding(row.output_path, "source_unreadable"))
            else:
                sources[row.output_path] = source
                originals.update(harvest(self._check.rules, source))
        needles = find_needles(originals, _codecs(task.charsets))
        searcher = Searcher(needles)
        for text in task.texts:
            needle = searcher.find_text(text)
            if needle is not None:
                findings.append(Finding("", "original_in_table", "", -1, needle.kind))
        self._check.references.clear()
        self._check.n_unchecked = 0
        for row in task.rows:
            findings += self._one(row, searcher, sources.get(row.output_path))
        result = Result(
            findings,
            n_files=len(task.rows),
            n_bytes=searcher.n_bytes,
            n_chance=searcher.n_chance,
            n_needles=len(needles),
            n_unchecked=self._check.n_unchecked,
            references=sorted(self._check.references),
        )
        if self._second_look is not None:
            look = self._second_look
            look.n_read = look.n_with_text = look.n_unread = 0
            findings += look.find(task.rows, searcher)
            counts = (look.n_read, look.n_with_text, look.n_unread)
            result.frames_read, result.frames_with_text, result.n_unread = counts
        return result

    def _one(self, row: Row, searcher: Searcher, source: Content | None) -> list[Finding]:
        path = row.output_path
        for pseudonym in (row.patient, row.accession_number, *_uids(row)):
            path = path.replace(pseudonym or "/", "/")
        findings = []
        for name in _NAMES.findall(path):
            needle = searcher.find_text(name)
            if needle is not None:
                findings.append(Finding("", "original_in_path", "", -1, needle.kind))
        try:
            findings += self._check.find(row, searcher, source, self._map_uid(row, source))
        except Exception as error:  # noqa: BLE001 - a damaged output is a finding
            findings.append(Finding(row.output_path, "damaged", "", -1, place_of(error)))
        if self._setup.dciodvfy and source is not None:
            places = (self._setup.source, row.source_path, self._setup.target, row.output_path)
            with contextlib.suppress(OSError):  # a file that cannot be read is a finding already
                findings += dciodvfy.compare(*places, row.place)
        return list(dict.fromkeys(findings))

    def _map_uid(self, row: Row, source: Content | None) -> MapUid | None:
        """Return the function of the key that maps UIDs, None when this release has another one."""
        if source is None:
            return None
        for place in source.places:
            if place.tag == 0x00080018 and not place.path:
                uid = source.data[place.start : place.end].tobytes().strip(b" \0")
                if self._pseudonyms.uid(uid).decode() == row.sop_instance_uid:
                    return self._pseudonyms.uid
        return None


def _uids(row: Row) -> tuple[str | None, ...]:
    return (row.sop_instance_uid, row.series_instance_uid, row.study_instance_uid)


def _codecs(charsets: Iterable[str]) -> list[str]:
    """Return Python's names of character sets; unknown ones are left out."""
    known = pydicom.charset.python_encoding
    names = [known.get(one.strip(), "") for charset in charsets for one in charset.split("\\")]
    return [name for name in dict.fromkeys(names) if name]
