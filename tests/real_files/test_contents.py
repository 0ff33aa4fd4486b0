"""What stayed and what went, judged by pydicom and the standard's table alone."""

from __future__ import annotations

from typing import Final

import pytest
from pydicom._uid_dict import UID_dictionary

from tests.real_files.conftest import Case
from tests.real_files.walking import BY_VR, PIXELS, Leaf, Path_, code_of, read, sequences_of

pytestmark = pytest.mark.filterwarnings("ignore")  # values that are not what their VR allows

Pair = tuple[Case, dict[Path_, Leaf], dict[Path_, Leaf]]

DUMMIES: Final = frozenset((b"", b"DEIDENTIFIED", b"19000101", b"000000", b"19000101000000"))
# References are kept where the instance needs them; their UIDs are mapped all the same.
KEPT_SEQUENCES: Final = frozenset(("", "X/Z/U*"))


@pytest.fixture(scope="module")
def pairs(accepted: list[Case]) -> list[Pair]:
    """Return each case with the leaves of its input and output."""
    return [(case, read(case.source), read(case.output)) for case in accepted]


def is_kept(path: Path_, leaf: Leaf) -> bool:
    """Tell whether nothing asks for a change of this leaf."""
    above = all(code_of(tag) == "" for tag in sequences_of(path))
    return above and code_of(path[-1]) == "" and leaf.vr not in BY_VR


def test_what_nothing_names_is_kept_bit_for_bit(pairs: list[Pair]) -> None:
    for case, before, after in pairs:
        kept = {path: leaf.raw for path, leaf in before.items() if is_kept(path, leaf)}
        assert kept
        lost = [path for path, raw in kept.items() if path not in after or after[path].raw != raw]
        assert len(lost) <= case.run.outcome.n_cleaned, case.source.name


def test_the_leak_check_cleans_no_more_than_these(pairs: list[Pair]) -> None:
    """Its institution is called like its manufacturer; its patient like a coding scheme."""
    cleaned = {case.source.name for case, *_ in pairs if case.run.outcome.n_cleaned}
    assert {name for name in cleaned if not name.startswith("MR_small")} <= {"test-SR.dcm"}


def test_what_the_table_names_is_gone_empty_or_new(pairs: list[Pair]) -> None:
    for case, before, after in pairs:
        for path, leaf in before.items():
            original = leaf.raw.strip(b" \0")
            if code_of(path[-1]) in KEPT_SEQUENCES or original in DUMMIES:
                continue
            if leaf.vr != "UI" and path in after and path[-1] >> 16 != 0x0012:
                assert after[path].raw.strip(b" \0") != original, (case.source.name, path)


def test_nothing_private_and_nothing_unknown_is_left(pairs: list[Pair]) -> None:
    for case, _, after in pairs:
        for path in after:
            for tag in (*sequences_of(path), path[-1]):
                own = 0x00120062 <= tag <= 0x00120064 or tag == 0x00280303
                assert own or tag >> 16 & 1 == 0, case.source.name
                assert own or tag >> 16 >= 8, case.source.name
                assert tag & 0xFFFF or tag >> 16 == 2, case.source.name


def test_every_element_of_an_output_is_of_its_input_or_a_marker_or_a_dummy(
    pairs: list[Pair],
) -> None:
    replaced = {0x0040A730, 0x0040A073, 0x00700001, 0x00700060, 0x0040B020, 0x00120064}
    for case, before, after in pairs:
        new = [path for path in after if path not in before]
        for path in new:
            is_marker = path[0] in {0x00120062, 0x00120063, 0x00280303}
            assert is_marker or set(sequences_of(path)) & replaced, case.source.name


def test_pixel_data_is_copied_byte_for_byte(pairs: list[Pair]) -> None:
    n_images = 0
    for case, before, after in pairs:
        for tag in PIXELS:
            if (tag,) in before:
                n_images += 1
                assert after[(tag,)] == before[(tag,)], case.source.name
    assert n_images > 90


def test_every_uid_has_one_pseudonym_in_all_files(pairs: list[Pair]) -> None:
    pseudonyms: dict[bytes, set[bytes]] = {}
    for _, before, after in pairs:
        for path, leaf in before.items():
            if leaf.vr == "UI" and path in after:
                old, new = leaf.raw.split(b"\\"), after[path].raw.split(b"\\")
                for original, pseudonym in zip(old, new, strict=True):
                    pseudonyms.setdefault(original.strip(b" \0"), set()).add(
                        pseudonym.strip(b" \0")
                    )
    assert len(pseudonyms) > 150
    seen: set[bytes] = set()
    for original, found in pseudonyms.items():
        (new_uid,) = found
        if original.decode("latin-1") in UID_dictionary or not original:
            assert new_uid == original
        else:
            assert new_uid.startswith(b"2.25.")
            assert len(new_uid) <= 44
        assert new_uid not in seen
        seen.add(new_uid)


def test_no_identifying_value_of_an_input_is_in_any_element_of_its_output(
    pairs: list[Pair],
) -> None:
    identifying = {0x00100020, 0x00080050, 0x00080080, 0x00081010, 0x00181000}
    for case, before, after in pairs:
        originals = set()
        for path, leaf in before.items():
            if leaf.vr in {"PN", "DA", "DT", "UI"} or path[-1] in identifying:
                originals |= {value.strip(b" \0") for value in leaf.raw.split(b"\\")}
        originals = {
            value
            for value in originals - DUMMIES
            if len(value) >= 8 and value.decode("latin-1") not in UID_dictionary
        }
        kept = [leaf.raw for path, leaf in after.items() if path[-1] not in PIXELS]
        found = [value for value in originals if any(value in raw for raw in kept)]
        assert found == [], case.source.name
