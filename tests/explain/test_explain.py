"""Each line about an element, against the output as pydicom reads it."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from typer.testing import CliRunner

from fastdeid.commands import app
from fastdeid.explain import Line, explain_file
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.rules import Profile, load_profile
from fastdeid.verdicts import Verdict
from tests import builders as b
from tests.options.profiles import profile_of, with_options
from tests.runs import KEY, basic_profile, ct_image, process


def explained(folder: Path, *elements: bytes, profile: Profile | None = None) -> dict[int, Line]:
    path = folder / "file.dcm"
    path.write_bytes(b.part10(ct_image(*elements)))
    explanation = explain_file(path, profile or basic_profile(), Pseudonyms(KEY))
    assert explanation.outcome.verdict is Verdict.OK
    return {line.tag: line for line in explanation.lines if line.depth == 0}


def told(line: Line) -> tuple[str, str]:
    return line.what, line.why


def test_each_outcome_is_told_with_its_rule(tmp_path: Path) -> None:
    lines = explained(
        tmp_path,
        b.text(0x00080020, "DA", "20030102"),
        b.text(0x00080080, "LO", "General Hospital"),
        b.text(0x00080090, "PN", ""),
        b.text(0x00091001, "LO", "whatever"),
    )
    expected = {
        0x00080016: ("kept", "registered in PS3.6; code U, no row, by VR, Type 1"),
        0x00080018: ("replaced", "UID mapped; code U, Table E.1-1, Type 1"),
        0x00080020: ("emptied", "code Z, Table E.1-1, Type 2"),
        0x00080060: ("kept", "code K, named by no rule, Type 1"),
        0x00080080: ("removed", "code X/Z/D, Table E.1-1, Type 3"),
        0x00080090: ("kept", "empty already; code Z, Table E.1-1, Type 2"),
        0x00091001: ("removed", "private: code X, Table E.1-1"),
        0x00100010: ("replaced", "pseudonym (patient_name); code Z, Table E.1-1, Type 2"),
        0x00120062: ("inserted", "every output gets it"),
    }
    assert {tag: told(lines[tag]) for tag in expected} == expected


def test_an_empty_sequence_stays_empty(tmp_path: Path) -> None:
    comprehensive_sr = b.text(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.88.33")
    lines = explained(tmp_path, comprehensive_sr, b.sequence(0x00081111, []))
    assert told(lines[0x00081111]) == ("kept", "empty already; code X/Z/D, Table E.1-1, Type 2")


def test_what_the_leak_check_did_is_told(tmp_path: Path) -> None:
    lines = explained(
        tmp_path,
        b.text(0x00080070, "LO", "built for Jane Doe"),
        b.text(0x00081090, "LO", "Model X"),
        b.text(0x00181020, "LO", "MRN-4711"),
    )
    for tag, what in ((0x00080070, "emptied"), (0x00181020, "removed")):
        assert lines[tag].what == what
        assert lines[tag].why.startswith("the leak check found")
    assert lines[0x00081090].what == "kept"


def test_a_vr_that_hides_what_it_is_is_told(tmp_path: Path) -> None:
    line = explained(tmp_path, b.text(0x00081090, "PN", "Some^One"))[0x00081090]
    assert told(line)[0] == "removed"
    assert line.why.startswith("its VR hides what it is: LO by PS3.6")


def test_sequences_are_gone_through_where_they_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "file.dcm"
    reference = b.item(
        b.text(0x00081150, "UI", b.CT_IMAGE_STORAGE) + b.text(0x00081155, "UI", "1.2.3.4.5.6.7.8")
    )
    code = b.item(b.text(0x00080100, "SH", "1") + b.text(0x00080104, "LO", "Jane Doe"))
    path.write_bytes(
        b.part10(
            ct_image(
                b.sequence(0x00081032, [code, code]),
                b.sequence(0x0008114A, [reference]),
                b.sequence(0x00400275, [code]),
            )
        )
    )
    lines = explain_file(path, basic_profile(), Pseudonyms(KEY)).lines
    found = [(line.depth, line.tag, line.what) for line in lines if line.tag >> 16 in {8, 0x40}]
    assert found[3:] == [
        (0, 0x00081032, "kept"),
        *(2 * [(1, 0x00080100, "kept"), (1, 0x00080104, "replaced")]),
        (0, 0x0008114A, "kept"),
        *((1, 0x00081150, "kept"), (1, 0x00081155, "replaced")),
        (0, 0x00400275, "removed"),
    ]


def test_options_and_rules_of_the_profile_are_told(tmp_path: Path) -> None:
    dates = with_options(["retain_longitudinal_modified_dates"])
    elements = (
        b.text(0x00080020, "DA", "20030102"),
        b.text(0x00080021, "DA", "Jan 2 03"),
        b.text(0x00080030, "TM", "101112"),
    )
    lines = explained(tmp_path, *elements, profile=dates)
    source = "code C, option retain_longitudinal_modified_dates"
    assert told(lines[0x00080020]) == ("replaced", f"date shifted; {source}, Type 2")
    assert told(lines[0x00080030]) == ("kept", f"whole days do not change it; {source}, Type 2")
    assert told(lines[0x00080021]) == (
        "emptied",
        f"not valid, so nothing of it stays; {source}, Type 3",
    )
    site = profile_of('[[rule]]\nattribute = "StudyDate"\naction = "K"\nreason = "a test"\n')
    assert told(explained(tmp_path, *elements, profile=site)[0x00080020]) == (
        "kept",
        "code K, profile site, Type 2",
    )


@pytest.mark.parametrize(
    "name",
    ["CT_small.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm", "rtplan.dcm", "test-SR.dcm"],
)
def test_what_is_told_is_what_was_done(name: str, tmp_path: Path) -> None:
    path = get_testdata_file(name)
    assert isinstance(path, str)
    explanation = explain_file(Path(path), basic_profile(), Pseudonyms(KEY))
    before, after = pydicom.dcmread(path), process(Path(path), tmp_path).data_set
    lines = {line.tag: line for line in explanation.lines if line.depth == 0}
    assert set(lines) == {int(tag) for tag in (*before.keys(), *after.keys())}
    for tag, line in lines.items():
        assert (line.what == "removed") == (tag not in after)
        assert (line.what == "inserted") == (tag not in before)
        if tag not in after or tag not in before:
            continue
        old, new = before[tag], after[tag]
        if line.what == "emptied":
            assert old.value
            assert not new.value
        elif old.VR != "SQ":
            assert (line.what == "kept") == (old.value == new.value)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["explain", *arguments], catch_exceptions=False)
    return result.exit_code, result.output


def test_values_are_shown_only_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file.dcm"
    path.write_bytes(b.part10(ct_image(b.text(0x00080070, "LO", "Acme"))))
    code, text = run(str(path), "--pixels", "off")
    assert code == 0
    assert "(0008,0070) LO Manufacturer: kept; code K" in text
    for value in ("Doe", "Jane", "MRN", "4711", "Acme", "1.2.826", "2.25."):
        assert value not in text
    _, shown = run(str(path), "--show-values", "--pixels", "off")
    assert "    'Acme' -> the same" in shown
    assert "    'Doe^Jane' -> '" in shown


def test_a_file_that_is_set_aside_is_told_with_the_reason_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "Doe^Jane.dcm"
    path.write_bytes(b.part10(ct_image())[:-4])
    code, text = run(str(path))
    assert (code, text) == (3, "quarantined: truncated in (7FE0,0010)\n")


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    explained(tmp_path)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_private_elements_have_a_reason_each(tmp_path: Path) -> None:
    own = [
        b.text(0x00190010, "LO", "GEMS_ACQU_01"),
        b.text(0x00191023, "DS", "7"),
        b.text(0x001910FE, "DS", "7"),
        b.text(0x00211001, "DS", "7"),
    ]
    lines = explained(tmp_path, *own, profile=load_profile("research"))
    private = {tag: (line.what, line.why) for tag, line in lines.items() if tag >> 16 & 1}
    assert private == {
        0x00190010: ("kept", "creator of a block that is kept"),
        0x00191023: ("kept", "known to be safe"),
        0x001910FE: ("removed", "private, not known to be safe"),
        0x00211001: ("removed", "private, of no creator"),
    }
