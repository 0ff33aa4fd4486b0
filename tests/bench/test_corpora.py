"""The benchmark's corpora are what its figures say they are."""

from __future__ import annotations

import io
from pathlib import Path

import pydicom
import pytest

from bench.corpora import CORPORA, Corpus, build, files, instance, instance_values
from bench.templates import MARKERS, Template, ct_slice, header_heavy, multi_frame

CT, HEADER, MULTI_FRAME = CORPORA


def first(template: Template) -> pydicom.FileDataset:
    """Return the first file of a template, read by pydicom."""
    return pydicom.dcmread(io.BytesIO(template.render(instance_values(0, 0, 0))))


def test_a_ct_slice_has_about_200_elements_and_half_a_megabyte() -> None:
    ds = first(ct_slice())
    assert 180 <= sum(1 for _ in ds.iterall()) <= 260
    assert len(ds.PixelData) == 512 * 512 * 2


def test_a_header_heavy_file_is_12_kilobytes_of_nested_and_private_elements() -> None:
    template = header_heavy()
    ds = first(template)
    assert 11_000 <= template.size <= 13_000
    assert sum(element.VR == "SQ" for element in ds.iterall()) >= 10
    assert sum(element.tag.is_private for element in ds.iterall()) >= 50


def test_a_multi_frame_file_grows_by_half_a_megabyte_and_its_groups_per_frame() -> None:
    one, three = multi_frame(1).size, multi_frame(3).size
    assert (three - one) // 2 == pytest.approx(512 * 512 * 2, rel=0.01)
    # 96 to 192 frames are 50 to 100 MB.
    assert 50e6 < one + 95 * (three - one) / 2 < one + 191 * (three - one) / 2 < 105e6


@pytest.mark.parametrize("template", [ct_slice(), header_heavy()], ids=["ct", "header"])
def test_no_marker_is_left_in_a_file(template: Template) -> None:
    rendered = template.render(instance_values(0, 0, 0))
    assert not [name for name, marker in MARKERS.items() if marker.encode() in rendered]


def test_every_instance_is_distinct(tmp_path: Path) -> None:
    corpus = HEADER.scaled(0.01)
    paths = list(files(build(corpus, tmp_path)))
    assert len(paths) == 2 * corpus.n_files == 200
    instances = {pydicom.dcmread(path).SOPInstanceUID for path in paths}
    assert len(instances) == len(paths)


def test_a_corpus_that_stands_is_not_built_again(tmp_path: Path) -> None:
    corpus = Corpus("header", 2, 50, HEADER.template)
    path = next(files(build(corpus, tmp_path)))
    before = path.stat().st_mtime_ns
    build(corpus, tmp_path)
    assert path.stat().st_mtime_ns == before
    build(corpus.scaled(2), tmp_path)
    assert len(list(files(tmp_path / "header"))) == 8


def test_a_series_stands_in_one_folder_of_its_patient() -> None:
    places = [instance(HEADER, number, {0: header_heavy()})[0] for number in (0, 49, 50, 100)]
    folders = [Path(place).parent for place in places]
    assert folders[0] == folders[1]
    assert folders[0] != folders[2]
    assert folders[0].parents[1] == folders[2].parents[1] != folders[3].parents[1]
