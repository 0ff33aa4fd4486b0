"""Hypothesis strategies for data sets, in the words of `tests.builders`."""

from __future__ import annotations

import functools
from typing import Final

from hypothesis import strategies as st
from pydicom._dicom_dict import DicomDictionary

from tests.builders import CT_IMAGE_STORAGE, UNIT, Element, Node, Sequence

TEXT_VRS: Final = "AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split()
BYTE_VRS: Final = "AT FD FL OB OD OF OL OV OW SL SS SV UL UN US UV".split()
PIXEL_DATA: Final = 0x7FE00010

# Attributes that a reader, or fastdeid itself, gives a meaning beyond their VR.
SPECIAL: Final = frozenset(
    [0x00080001, 0x00080005, 0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00100020]
)

# Drawn from few parts: regular expressions of hypothesis took most of a test's time.
_LETTERS: Final = st.sampled_from("A B CT Doe HEAD Jane MR Smith Thorax WARD x".split())
_NUMBERS: Final = st.integers(0, 10**7)
_WORDS: Final = {
    "AE": st.builds("{}{}".format, _LETTERS, _NUMBERS),
    "AS": st.builds("{:03}{}".format, st.integers(0, 999), st.sampled_from("DWMY")),
    "CS": st.builds("{}_{}".format, _LETTERS.map(str.upper), _NUMBERS),
    "DA": st.dates().map(lambda day: f"{day.year:04}{day:%m%d}"),
    "DS": st.builds("-{}.{}".format, _NUMBERS, _NUMBERS),
    "DT": st.datetimes().map(lambda at: f"{at.year:04}{at:%m%d%H%M%S.%f}"),
    "IS": st.integers(-(2**31), 2**31 - 1).map(str),
    "PN": st.builds("{}^{}".format, _LETTERS, _LETTERS),
    "TM": st.times().map(lambda at: f"{at:%H%M%S.%f}"),
    "UI": st.builds("1.2.{}.{}".format, _NUMBERS, _NUMBERS),
    "UR": st.builds("http://{}.invalid/{}".format, _LETTERS, _NUMBERS),
}
_PLAIN: Final = st.builds("{} {}".format, _LETTERS, st.integers(0, 10**9))
_MULTI: Final = frozenset("AE AS CS DA DS DT IS LO PN SH TM UC UI".split())


@functools.cache
def public_tags(vr: str) -> tuple[int, ...]:
    """Return some PS3.6 tags of this VR alone, ascending, none with a meaning of its own."""
    found = sorted(
        tag
        for tag, entry in DicomDictionary.items()
        if entry[0] == vr and 0x0008 <= tag >> 16 < 0x7FE0 and tag & 0xFFFF and tag not in SPECIAL
    )
    return tuple(found[:: max(1, len(found) // 24)])


def values(vr: str) -> st.SearchStrategy[bytes]:
    """Draw a value that is valid for `vr`: right characters or size, even length, maybe empty."""
    if vr in BYTE_VRS:
        unit = UNIT.get(vr, 1)
        step = 4 if vr == "AT" else max(unit, 2)
        return st.binary(max_size=4 * step).map(lambda raw: raw[: len(raw) // step * step])
    pad = "\0" if vr == "UI" else " "
    words = _WORDS.get(vr, _PLAIN)
    several = st.lists(words, max_size=3 if vr in _MULTI else 1).map("\\".join)
    return several.map(lambda word: (word + pad * (len(word) % 2)).encode("ascii"))


def elements() -> st.SearchStrategy[Node]:
    """Draw one public element that is no sequence."""

    def of_vr(vr: str) -> st.SearchStrategy[Node]:
        return st.builds(Element, st.sampled_from(public_tags(vr)), st.just(vr), values(vr))

    return st.sampled_from([vr for vr in TEXT_VRS + BYTE_VRS if public_tags(vr)]).flatmap(of_vr)


@st.composite
def private_blocks(draw: st.DrawFn) -> tuple[Node, ...]:
    """Draw a private creator and up to three elements of its block (PS3.5 section 7.8)."""
    group = draw(st.sampled_from([0x0009, 0x0019, 0x0029, 0x0051, 0x7FE1]))
    block = draw(st.integers(0x10, 0xFF))
    creator = draw(values("LO").filter(bool))
    nodes: list[Node] = [Element(group << 16 | block, "LO", creator)]
    for number in sorted(draw(st.sets(st.integers(0, 0xFF), max_size=3))):
        vr = draw(st.sampled_from(TEXT_VRS + BYTE_VRS))
        nodes.append(Element(group << 16 | block << 8 | number, vr, draw(values(vr))))
    return tuple(nodes)


def sequences(
    content: st.SearchStrategy[tuple[Node, ...]], *, unknown: bool = True
) -> st.SearchStrategy[Node]:
    """Draw a sequence of up to three items with this content, in every mix of length styles.

    unknown: some are UN of undefined length, whose items are implicit VR little endian.
    """
    tags = st.sampled_from([*public_tags("SQ"), 0x00291010])
    items = st.lists(st.tuples(content, st.booleans()), max_size=3).map(tuple)
    plain = st.builds(Sequence, tags, items, st.booleans())
    as_unknown = st.builds(Sequence, tags, items, st.just(value=True), st.just("UN"))
    return st.one_of(plain, plain, as_unknown) if unknown else plain


def _ordered(nodes: list[Node], *more: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return the nodes by ascending tag, the first of each tag."""
    by_tag: dict[int, Node] = {}
    for node in [*nodes, *(node for block in more for node in block)]:
        by_tag.setdefault(node.tag, node)
    return tuple(by_tag[tag] for tag in sorted(by_tag))


def data_sets(
    *, max_depth: int = 3, max_size: int = 5, private: bool = True, unknown: bool = True
) -> st.SearchStrategy[tuple[Node, ...]]:
    """Draw a data set of at most `max_size` elements and `max_depth` levels of items.

    Tags ascend and are distinct. The attributes in `SPECIAL` are left out; `instances` adds those
    that a file needs. private: with private blocks, also inside items. unknown: with sequences as
    UN, which pydicom misreads in big endian (PS3.5 section 6.2.2 wants little endian there).
    """
    leaves: st.SearchStrategy[Node] = elements()
    blocks = private_blocks() if private else st.just(())
    data_set = st.builds(_ordered, st.lists(leaves, max_size=max_size), blocks)
    for _ in range(max_depth):
        some = st.one_of(leaves, leaves, sequences(data_set, unknown=unknown))
        data_set = st.builds(_ordered, st.lists(some, max_size=max_size), blocks)
    return data_set


@st.composite
def instances(
    draw: st.DrawFn,
    *,
    max_depth: int = 3,
    private: bool = True,
    unknown: bool = True,
    pixels: bool = True,
) -> tuple[Node, ...]:
    """Draw the data set of a CT image: identifiers, anything else, and maybe native pixel data."""
    nodes: list[Node] = [
        Element(0x00080016, "UI", CT_IMAGE_STORAGE.encode() + b"\0"),
        Element(0x00080018, "UI", draw(values("UI").filter(bool))),
        Element(0x00100020, "LO", draw(values("LO"))),
        Element(0x0020000D, "UI", draw(values("UI").filter(bool))),
        Element(0x0020000E, "UI", draw(values("UI").filter(bool))),
    ]
    if pixels and draw(st.booleans()):
        samples = draw(st.binary(max_size=64))
        nodes.append(Element(PIXEL_DATA, "OW", samples[: len(samples) // 2 * 2]))
    rest = draw(data_sets(max_depth=max_depth, private=private, unknown=unknown))
    return _ordered(nodes, rest)
