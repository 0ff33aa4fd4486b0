"""Decisions are made once for all files that have the same private elements in the same places."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from fastdeid.codes import Operation
from fastdeid.kernels.elements import IS_ITEM, OPERATION, PARENT, TAG
from fastdeid.private import PrivateRules, safe_attributes
from tests import builders as b
from tests import strategies
from tests.dicom.reading import new_reader
from tests.private.deciding import B_FACTOR, PHILIPS, creator, decide, find, read, rules
from tests.runs import basic_profile

BLOCK = creator(0x20010010, PHILIPS) + b.number(B_FACTOR, "FL", 1.0)


def test_files_with_other_values_share_their_decisions() -> None:
    private = rules()
    one = find(read(BLOCK), private)
    other = find(read(creator(0x20010010, PHILIPS) + b.number(B_FACTOR, "FL", 2.0)), private)
    assert one is other


def test_files_with_other_creators_do_not() -> None:
    private = rules()
    assert find(read(BLOCK), private)
    assert not find(read(creator(0x20010010, "Philips Imaging DD 00") + BLOCK[-12:]), private)
    assert find(read(BLOCK), private)


def test_a_file_without_private_elements_has_no_decisions() -> None:
    assert decide(b.text(0x00080060, "CS", "MR")) == []


def test_what_stands_in_an_item_that_the_rules_remove_is_left_out() -> None:
    reader = read(b.sequence(0x00081140, [b.item(BLOCK), b.item(BLOCK)]) + BLOCK)
    private = rules()
    assert len(find(reader, private)) == 6
    items = [row for row in range(reader.n_rows) if reader.table[row, TAG] == b.ITEM]
    reader.table[items[0], OPERATION] = Operation.REMOVE
    assert len(find(reader, private)) == 4
    reader.table[items, OPERATION] = Operation.REMOVE
    assert len(find(reader, private)) == 2


def test_more_private_elements_than_fit_are_decided_too() -> None:
    many = b"".join(b.number(0x20011001 + n, "FL", 1.0) for n in range(0x3F))
    items = [b.item(creator(0x20010010, PHILIPS) + many)] * 40
    decided = find(read(b.sequence(0x00081140, items)))
    assert len(decided) == 40 * len(find(read(creator(0x20010010, PHILIPS) + many)))


def test_every_private_row_is_explained_without_its_value() -> None:
    data = BLOCK + b.text(0x20011099, "LO", "DOE^JANE") + creator(0x20010011, "JANE")
    reader = read(data + b.text(0x20011201, "LO", "DOE^JANE"))
    profile = basic_profile().rules(b.CT_IMAGE_STORAGE)
    reasons = rules().explain(reader, reader.rows(0), profile)
    assert list(reasons.values()) == [
        "creator of a block that is kept",
        "known to be safe",
        "private, not known to be safe",
        "private creator of nothing that is kept",
        "private, of no creator",
    ]


EVERYTHING = PrivateRules(safe_attributes(["standard", "tcia"]), dates="shift", csa=True)
NAMES = st.sampled_from([PHILIPS, "MRSC", "SIEMENS CSA HEADER", "MMCPrivate", "ACME"])


@st.composite
def blocks(draw: st.DrawFn) -> tuple[b.Node, ...]:
    """Draw two private blocks of creators that the tables know, with any VRs."""
    nodes: dict[int, b.Node] = {}
    for _ in range(2):
        group = draw(st.sampled_from([0x2001, 0x0119, 0x0029]))
        block = draw(st.integers(0x10, 0x12))
        name = draw(NAMES).encode()
        nodes[group << 16 | block] = b.Element(
            group << 16 | block, "LO", name + b" " * (len(name) % 2)
        )
        for number in draw(st.sets(st.integers(0, 0x60), max_size=8)):
            vr = draw(st.sampled_from(strategies.TEXT_VRS + strategies.BYTE_VRS))
            tag = group << 16 | block << 8 | number
            nodes[tag] = b.Element(tag, vr, draw(strategies.values(vr)))
    return tuple(nodes[tag] for tag in sorted(nodes))


@settings(max_examples=40)
@given(
    nodes=strategies.data_sets(max_depth=1, max_size=2),
    more=blocks(),
    inner=blocks(),
    encoding=st.sampled_from([b.EXPLICIT, b.IMPLICIT, b.BIG]),
)
def test_what_is_kept_has_a_listed_creator_and_kept_parents(
    nodes: tuple[b.Node, ...],
    more: tuple[b.Node, ...],
    inner: tuple[b.Node, ...],
    encoding: b.Encoding,
) -> None:
    stack = b.Sequence(0x20011F5F, ((inner, True), (more, False)), vr="SQ")
    stack_creator = b.Element(0x2001001F, "LO", PHILIPS.encode())
    data = b.encode((*nodes, *more, stack_creator, stack), encoding)
    reader = read(data, encoding, new_reader())
    decided = {one.row: one for one in find(reader, EVERYTHING)}
    again = {one.row: one for one in find(reader, EVERYTHING)}
    assert decided == again
    table = reader.table[: reader.n_rows]
    for row, one in decided.items():
        tag, parent, flags = (int(table[row, column]) for column in (TAG, PARENT, 7))
        assert one.operation is not Operation.REMOVE
        assert (one.operation is Operation.REPLACE) == bool(one.replace)
        if parent >= 0 and table[table[parent, PARENT], TAG] >> 16 & 1:
            assert decided[parent].operation is Operation.KEEP
        if flags & IS_ITEM:
            assert decided[parent].operation is Operation.KEEP
        if tag >> 16 & 1 and tag & 0xFFFF > 0xFF:
            block = [
                other
                for other in decided
                if table[other, PARENT] == parent
                and table[other, TAG] == (tag & 0xFFFF0000) + (tag >> 8 & 0xFF)
            ]
            assert len(block) == 1
