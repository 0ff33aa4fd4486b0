"""The Basic Profile on any data set: the output is what rules and standard say, byte for byte.

The expected output is built from the drawn description: rules are asked element by element, new
values come from `resolve`, and the builders write lengths in the style that each sequence had.
One Deidentifier serves all data sets: nothing may depend on what it has met before.
"""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdeid import tags
from fastdeid.actions import Context, resolve
from fastdeid.deidentify import Deidentifier
from fastdeid.dicom.inflate import deflate
from fastdeid.dicom.writer import file_meta
from fastdeid.markers import make_markers
from fastdeid.outcome import Outcome
from fastdeid.rules import Operation, Rules
from fastdeid.verdicts import Verdict
from tests.builders import (
    CT_IMAGE_STORAGE,
    ENCODINGS,
    IMPLICIT,
    SEQUENCE_DELIMITATION,
    UNDEFINED,
    Element,
    Encoding,
    Node,
    Sequence,
    element,
    encode,
    header,
    item,
    part10,
    swap,
    tag_bytes,
)
from tests.kernels import naive
from tests.kernels.scanning import DICTIONARY, coding_of
from tests.runs import PSEUDONYMS, basic_profile
from tests.strategies import data_sets, values

PIXEL_DATA: Final = 0x7FE00010
# Encapsulated documents and their length need a MIME type; they have tests of their own.
DOCUMENTS: Final = (0x00420011, 0x00420015)
SR: Final = "1.2.840.10008.5.1.4.1.1.88.11"  # Basic Text SR: sequences that are replaced
UNKNOWN_IOD: Final = "1.2.840.10008.5.1.4.1.1.77.1"  # VL Image Storage - Trial, retired
UIDS: Final = st.builds("1.2.826.{}.{}".format, st.integers(0, 99), st.integers(0, 10**9)).map(
    lambda uid: (uid + "\0" * (len(uid) % 2)).encode()
)
# The sequences that lead to an item, outermost first.
Tags = tuple[int, ...]
each_encoding = pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda one: one.transfer_syntax)


@st.composite
def files(draw: st.DrawFn, sop_class: str) -> tuple[Node, ...]:
    """Draw an instance of a SOP Class; names are no words that other values have."""
    own: dict[int, Node] = {
        tags.SOP_CLASS_UID: Element(tags.SOP_CLASS_UID, "UI", padded(sop_class)),
        tags.SOP_INSTANCE_UID: Element(tags.SOP_INSTANCE_UID, "UI", draw(UIDS)),
        tags.PATIENT_ID: Element(tags.PATIENT_ID, "LO", draw(values("LO"))),
        tags.STUDY_INSTANCE_UID: Element(tags.STUDY_INSTANCE_UID, "UI", draw(UIDS)),
        tags.SERIES_INSTANCE_UID: Element(tags.SERIES_INSTANCE_UID, "UI", draw(UIDS)),
        PIXEL_DATA: Element(PIXEL_DATA, "OW", draw(st.binary(max_size=8)) * 2),
    }
    for node in rename(draw(data_sets(max_depth=2))):
        own.setdefault(node.tag, node)
    return tuple(own[tag] for tag in sorted(own))


def padded(uid: str) -> bytes:
    return (uid + "\0" * (len(uid) % 2)).encode()


def rename(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        if node.tag in DOCUMENTS:
            continue
        if isinstance(node, Sequence):
            items = tuple((tuple(rename(content)), style) for content, style in node.items)
            yield Sequence(node.tag, items, node.undefined, node.vr)
        elif node.vr == "PN" and node.value:
            yield Element(node.tag, "PN", b"Quixote^Zebulon ")
        else:
            yield node


@dataclass(frozen=True)
class Oracle:
    """Writes the output that rules ask for."""

    rules: Rules
    patient: str
    sop_class: str
    date_offset: int = 0

    def write(
        self, nodes: Iterable[Node], encoding: Encoding, path: Tags = ()
    ) -> list[tuple[int, bytes]]:
        """Return tag and bytes of every element that stays."""
        context = self.rules.context_of(path)
        written = []
        for node in nodes:
            operation, kind = self.rules.decide(node.tag, context)
            if operation is not Operation.REMOVE:
                written.append((node.tag, self.one(node, operation, kind, encoding, path)))
        return written

    def one(
        self, node: Node, operation: Operation, kind: int, encoding: Encoding, path: Tags
    ) -> bytes:
        """Return the bytes of an element that stays."""
        if isinstance(node, Sequence):
            inner = IMPLICIT if node.vr == "UN" else encoding
            return framed(node, self.items(node, operation, kind, inner, path), encoding, inner)
        raw = swap(node.value, node.vr, encoding)
        if operation is Operation.REPLACE:
            raw = self.new_value(kind, raw, encoding)
        return element(node.tag, node.vr, b"" if operation is Operation.EMPTY else raw, encoding)

    def items(
        self, node: Sequence, operation: Operation, kind: int, inner: Encoding, path: Tags
    ) -> bytes:
        """Return the items of a sequence that stays."""
        if operation is Operation.EMPTY:
            return b""
        if operation is Operation.REPLACE:
            return self.new_value(kind, b"", inner)
        contents = (
            (self.write(content, inner, (*path, node.tag)), style) for content, style in node.items
        )
        return b"".join(
            item(b"".join(data for _, data in content), inner, undefined=style)
            for content, style in contents
        )

    def new_value(self, kind: int, raw: bytes, encoding: Encoding) -> bytes:
        """Return what replaces a value."""
        if kind < 0:
            return b""
        context = Context(
            patient=self.patient,
            charsets=(),
            explicit=encoding.explicit,
            big_endian=encoding.big_endian,
            mime_type="",
            sop_class=self.sop_class,
            date_offset=self.date_offset,
        )
        registry = basic_profile().registry
        return resolve(self.rules.kinds[kind], raw, context, PSEUDONYMS, registry)[0]


def framed(node: Sequence, content: bytes, encoding: Encoding, inner: Encoding) -> bytes:
    """Return a sequence around its items in the style of the original."""
    if node.undefined:
        delimiter = tag_bytes(SEQUENCE_DELIMITATION, inner) + bytes(4)
        return header(node.tag, node.vr, UNDEFINED, encoding) + content + delimiter
    return header(node.tag, node.vr, len(content), encoding) + content


def expected(
    nodes: tuple[Node, ...], encoding: Encoding, sop_class: str, outcome: Outcome
) -> bytes:
    """Return the whole output file."""
    profile = basic_profile()
    oracle = Oracle(profile.rules(sop_class), outcome.pseudonyms[0], sop_class)
    written = oracle.write(nodes, encoding)
    markers = make_markers(profile.method, profile.codes, coding_of(encoding))
    data = markers.data.tobytes()
    written += [(tag, data[at : at + size]) for tag, at, size in markers.places.tolist()]
    data_set = b"".join(one for _, one in sorted(written))
    meta = file_meta(sop_class, outcome.instance, encoding.transfer_syntax)
    return meta + (deflate([data_set]) if encoding.deflated else data_set)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("target")


@pytest.fixture(scope="module")
def deidentifier(target: Path) -> Iterator[Deidentifier]:
    one = Deidentifier(basic_profile(), PSEUDONYMS, target)
    yield one
    one.close()


def process(deidentifier: Deidentifier, data: bytes) -> Outcome:
    with tempfile.NamedTemporaryFile() as source:
        source.write(data)
        source.flush()
        return deidentifier.process(source.name.encode(), overwrite=True)


@each_encoding
@pytest.mark.parametrize("sop_class", [CT_IMAGE_STORAGE, SR, UNKNOWN_IOD], ids=["CT", "SR", "?"])
@settings(max_examples=settings().max_examples // 2)
@given(data=st.data())
def test_the_output_is_what_the_rules_say_byte_for_byte(
    deidentifier: Deidentifier,
    target: Path,
    encoding: Encoding,
    sop_class: str,
    data: st.DataObject,
) -> None:
    nodes = data.draw(files(sop_class))
    outcome = process(deidentifier, part10(encode(nodes, encoding), encoding))
    assert (outcome.verdict, outcome.reason) == (Verdict.OK, "")
    output = (target / outcome.path).read_bytes()
    if not outcome.n_cleaned:
        assert output == expected(nodes, encoding, sop_class, outcome)
    check_lengths(output, encoding)


def check_lengths(output: bytes, encoding: Encoding) -> None:
    """Read the output by the plain parser: it ends where its last element ends, tags ascend."""
    if encoding.deflated:
        return
    meta = naive.scan_file_meta(output, 132, DICTIONARY.values())
    assert isinstance(meta, naive.FileMeta)
    explicit, big = encoding.explicit, encoding.big_endian
    scan = naive.scan_elements(output, meta.end, DICTIONARY, explicit=explicit, big=big)
    assert scan.end == len(output)
    top = [row.tag for row in scan.rows if not row.depth]
    assert top == sorted(set(top))
    assert {tags.PATIENT_IDENTITY_REMOVED, tags.DEIDENTIFICATION_METHOD} <= set(top)


@each_encoding
@given(data=st.data())
def test_pydicom_agrees_on_every_kept_element(
    deidentifier: Deidentifier, target: Path, encoding: Encoding, data: st.DataObject
) -> None:
    # pydicom reads UN of undefined length in big endian, against PS3.5 section 6.2.2.
    nodes = data.draw(files(CT_IMAGE_STORAGE))
    if encoding.big_endian:
        nodes = tuple(plain(nodes))
    source = part10(encode(nodes, encoding), encoding)
    outcome = process(deidentifier, source)
    assert (outcome.verdict, outcome.reason) == (Verdict.OK, "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = pydicom.dcmread(io.BytesIO(source))
        after = pydicom.dcmread(target / outcome.path)
        rules = basic_profile().rules(CT_IMAGE_STORAGE)
        differing = list(compare(before, after, rules, ()))
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID
    assert after.file_meta.TransferSyntaxUID == encoding.transfer_syntax
    assert len(differing) <= outcome.n_cleaned


def plain(nodes: Iterable[Node]) -> Iterator[Node]:
    """Return the nodes with every sequence as SQ."""
    for node in nodes:
        if isinstance(node, Sequence):
            items = tuple((tuple(plain(content)), style) for content, style in node.items)
            yield Sequence(node.tag, items, node.undefined)
        else:
            yield node


def compare(
    before: pydicom.Dataset, after: pydicom.Dataset, rules: Rules, path: Tags
) -> Iterator[int]:
    """Return the tags of kept elements on which two data sets differ."""
    context = rules.context_of(path)
    for tag in before.keys():  # noqa: SIM118 (iterating would convert values)
        operation, _ = rules.decide(int(tag), context)
        if operation is Operation.REMOVE:
            assert tag not in after or int(tag) in MARKERS
        elif operation is Operation.KEEP and before[tag].VR == "SQ":
            items = zip(before[tag].value, after[tag].value, strict=True)
            for one, other in items:
                yield from compare(one, other, rules, (*path, int(tag)))
        elif operation is Operation.KEEP and (tag not in after or differ(before[tag], after[tag])):
            yield int(tag)


def differ(one: pydicom.DataElement, other: pydicom.DataElement) -> bool:
    """Compare values as they are written out: NaN is not equal to itself."""
    return (one.VR, repr(one.value)) != (other.VR, repr(other.value))


MARKERS: Final = (0x00120062, 0x00120063, 0x00120064, 0x00280303)
