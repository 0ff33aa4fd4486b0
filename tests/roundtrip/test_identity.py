"""Rules that keep everything give every byte back, in the four encodings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdeid.dicom.encodings import DEFLATED as DEFLATED_SYNTAXES
from fastdeid.kernels.elements import ENTRY, OPERATION
from fastdeid.kernels.rules import KEEP
from fastdeid.tags import VR_NAMES
from tests.builders import ENCODINGS, Encoding, Node, encode, fragments, inflate, part10
from tests.conftest import wheel_files
from tests.dicom.reading import new_reader, reason
from tests.kernels import naive
from tests.kernels.damage import icon
from tests.roundtrip.pipeline import KeepingRules, assemble, pass_through, public
from tests.strategies import data_sets, instances, private_blocks

RULES = KeepingRules()
LONG = bytes(range(256)) * 600

each_encoding = pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda one: one.transfer_syntax)


@each_encoding
@given(data=st.data())
def test_what_is_kept_is_identical_byte_for_byte(encoding: Encoding, data: st.DataObject) -> None:
    raw = encode(data.draw(instances(max_depth=2)), encoding)
    trailing = data.draw(st.sampled_from([b"", b"\0" * 6]))
    assert pass_through(part10(raw, encoding, trailing=trailing), None) == raw


@each_encoding
@given(data=st.data())
def test_only_private_elements_go_and_all_lengths_follow(
    encoding: Encoding, data: st.DataObject
) -> None:
    nodes = data.draw(data_sets(max_depth=2).filter(bool))
    found = pass_through(part10(encode(nodes, encoding), encoding), RULES)
    assert found == encode(public(nodes), encoding)


@pytest.mark.parametrize(
    "behind",
    [fragments(0x7FE00010, [LONG, b"12"], bytes(8)), icon() + fragments(0x7FE00010, [])],
    ids=["long fragments", "icon"],
)
@given(nodes=data_sets(max_depth=1))
def test_fragments_come_back_as_they_are(behind: bytes, nodes: tuple[Node, ...]) -> None:
    raw = encode([node for node in nodes if node.tag < 0x00880000]) + behind
    assert pass_through(part10(raw), None) == raw


def readable() -> list[Path]:
    return [path for path in wheel_files() if not reason(path.read_bytes())]


@pytest.mark.parametrize("path", readable(), ids=lambda path: path.name)
def test_real_files_come_back_as_they_are(path: Path) -> None:
    data = path.read_bytes()
    reader = new_reader()
    with path.open("rb") as file:
        reader.read(file.fileno(), len(data))
        reader.table[:, [OPERATION, ENTRY]] = KEEP, -1
        found = assemble(reader, file.fileno())
    start = 132 if data[128:132] == b"DICM" else 0
    meta = naive.scan_file_meta(data, start, VR_NAMES[1:])
    assert isinstance(meta, naive.FileMeta)
    whole = data[meta.end :]
    if reader.transfer_syntax in DEFLATED_SYNTAXES:
        whole = inflate(whole)
    assert found == whole[: len(whole) - reader.trailing_length]


@given(nodes=private_blocks())
def test_a_data_set_of_nothing_but_private_elements_comes_out_empty(
    nodes: tuple[Node, ...],
) -> None:
    assert pass_through(part10(encode(nodes)), RULES) == b""
