"""Archives as SOURCE and inside it: what comes of their members."""

from __future__ import annotations

import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pyarrow as pa
import pytest

from fastdeid import plan
from fastdeid.archives import opening
from fastdeid.archives.members import ArchiveError, Member
from fastdeid.engines import verifying
from tests.conversion.archive import verdicts
from tests.link_tables import read_link_table
from tests.storage.packing import KEY, Files, files, run, tar_bytes, walk, write_files, zip_bytes
from tests.verification.release import PATIENTS

# What comes of members ------------------------------------------------------------------------

KINDS: Final[dict[str, tuple[str, Callable[[Files], bytes]]]] = {
    "ustar": (".tar", lambda content: tar_bytes(content, ".tar", "ustar")),
    "gnu tar": (".tar", lambda content: tar_bytes(content, ".tar", "gnu")),
    "pax tar": (".TAR", lambda content: tar_bytes(content, ".tar", "pax")),
    "tar.gz": (".tar.gz", lambda content: tar_bytes(content, ".tar.gz")),
    "tgz": (".tgz", lambda content: tar_bytes(content, ".tgz", "gnu")),
    "deflated zip": (".zip", zip_bytes),
    "stored zip": (".zip", lambda content: zip_bytes(content, zipfile.ZIP_STORED)),
}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the outputs and the manifest of the files in a folder tree."""
    folder = tmp_path_factory.mktemp("unpacked")
    return run(write_files(folder / "source", files()), folder / "target")


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_gives_the_outputs_of_its_files_and_the_same_manifest(
    tmp_path: Path, unpacked: dict[str, bytes], kind: str
) -> None:
    suffix, pack = KINDS[kind]
    archive = tmp_path / f"export{suffix}"
    archive.write_bytes(pack(files()))
    assert run(archive, tmp_path / "target") == unpacked
    assert len(unpacked) == 7
    assert {path: verdict for path, (verdict, _) in verdicts(tmp_path / "target").items()} == {
        f"/{name}": "not_dicom" if name == "README" else "ok" for name in files()
    }


def test_archives_in_folders_stand_beside_files(tmp_path: Path, unpacked: dict[str, bytes]) -> None:
    content = files()
    names = list(content)
    source = write_files(
        tmp_path / "source",
        {
            "A/one.zip": zip_bytes({name: content[name] for name in names[:2]}),
            "B/two.tar.gz": tar_bytes({name: content[name] for name in names[2:4]}, ".tar.gz"),
            "B/three.tar": tar_bytes({name: content[name] for name in names[4:5]}),
            "C/IM1": content[names[5]],
            # Named like an archive, and none.
            "C/README.zip": content["README"],
        },
    )
    assert run(source, tmp_path / "target") == unpacked
    assert verdicts(tmp_path / "target") == {
        **{f"A/one.zip//{name}": ("ok", None) for name in names[:2]},
        **{f"B/two.tar.gz//{name}": ("ok", None) for name in names[2:4]},
        f"B/three.tar//{names[4]}": ("ok", None),
        "C/IM1": ("ok", None),
        "C/README.zip": ("not_dicom", "not_dicom"),
    }


def test_no_name_of_a_member_stands_outside_the_link_table(tmp_path: Path) -> None:
    (tmp_path / "export.zip").write_bytes(zip_bytes(files()))
    outputs = run(tmp_path / "export.zip", tmp_path / "target")
    for path, data in outputs.items():
        assert b"Wilhelmine" not in data + path.encode()
    link_table = tmp_path / "target.link-table"
    for file in link_table.rglob("*"):
        if file.is_file():
            assert b"Wilhelmine" not in file.read_bytes()
    rows = read_link_table(link_table / "instances.parquet", KEY).to_pylist()
    assert rows[0]["source_path"] == f"/{PATIENTS[0].name}/000"


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
def test_verify_compares_a_release_with_the_archive_that_it_comes_from(
    tmp_path: Path, suffix: str
) -> None:
    pack = zip_bytes if suffix == ".zip" else lambda content: tar_bytes(content, suffix)
    source = write_files(tmp_path / "source", {f"export{suffix}": pack(files())})
    run(source, tmp_path / "target")

    def verified(source: Path) -> verifying.Verification:
        return verifying.verify(
            tmp_path / "target",
            link_table=tmp_path / "target.link-table",
            key=tmp_path / "target.key",
            source=source,
            workers=0,
        )

    done = verified(source)
    assert (done.verified, done.findings) == (6, [])
    # Another archive in its place: every output misses its source.
    other = write_files(tmp_path / "other", {f"export{suffix}": pack({"other": b""})})
    assert {one.kind for one in verified(other).findings} == {"source_unreadable"}


def test_long_members_wait_in_files_without_names(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path / "export.tar")
    Path(os.fsdecode(path)).write_bytes(tar_bytes(files()))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    archives = opening.Archives(str(scratch), in_memory=0)
    found = list(opening.find_members(path) or ())
    modified = os.stat(path).st_mtime_ns
    for one in found:
        member = Member(path, one.name, one.place, one.size, modified)
        descriptor = archives.open(member)
        assert os.pread(descriptor, 1 << 20, 0) == files()[one.name.decode()]
        assert os.fstat(descriptor).st_nlink == 0
        assert os.fstat(descriptor).st_dev == scratch.stat().st_dev
        os.close(descriptor)
    assert list(scratch.iterdir()) == []
    archives.close()


def test_members_are_found_in_any_order(tmp_path: Path) -> None:
    content = {str(number): bytes([number]) * 1000 * number for number in range(20)}
    for suffix in (".tar", ".tar.gz", ".zip"):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(zip_bytes(content) if suffix == ".zip" else tar_bytes(content, suffix))
        archives = opening.Archives()
        found = list(opening.find_members(os.fsencode(path)) or ())
        random.Random(1).shuffle(found)
        for one in found:
            status = path.stat()
            member = Member(os.fsencode(path), one.name, one.place, one.size, status.st_mtime_ns)
            descriptor = archives.open(member)
            assert os.pread(descriptor, 1 << 20, 0) == content[one.name.decode()]
            os.close(descriptor)
        archives.close()


def test_an_archive_that_changes_after_the_plan_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar_bytes(files()))
    found = next(iter(opening.find_members(os.fsencode(path)) or ()))
    planned = path.stat().st_mtime_ns - 1
    with pytest.raises(ArchiveError) as caught:
        opening.Archives().open(
            Member(os.fsencode(path), found.name, found.place, found.size, planned)
        )
    assert caught.value.reason == "changed_while_read"


# The plan -------------------------------------------------------------------------------------


def test_a_walk_goes_on_behind_any_member(tmp_path: Path) -> None:
    source = write_files(
        tmp_path / "source",
        {
            "A.tar.gz": tar_bytes(files(), ".tar.gz"),
            "B.zip": zip_bytes(files()),
            "C": b"",
            "D/E.tar": tar_bytes(files())[:-12_000],
            "D/F": b"",
        },
    )
    for place in (source, source / "B.zip", source / "D" / "E.tar"):
        whole = walk(place)
        for number, entry in enumerate(whole):
            rest = list(plan.walk(os.fsencode(place), entry))
            assert rest == whole[number + 1 :]


def test_a_walk_does_not_go_on_in_an_archive_that_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "A.zip"
    path.write_bytes(zip_bytes(files()))
    last = walk(tmp_path)[2]
    path.write_bytes(zip_bytes({"other": b""}))
    with pytest.raises(OSError, match="changed"):
        list(plan.walk(os.fsencode(tmp_path), last))


def test_a_compressed_archive_is_one_partition(tmp_path: Path) -> None:
    many = {f"{number // 400}/{number:05}": b"" for number in range(1300)}
    source = write_files(
        tmp_path / "source",
        {"A.tar.gz": tar_bytes(many, ".tar.gz"), "B.tar": tar_bytes(many), "C": b""},
    )
    columns = zip(*walk(source), strict=True)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, plan.SCHEMA, strict=True)]
    batch = pa.RecordBatch.from_arrays(arrays, schema=plan.SCHEMA)
    cuts = plan.cut(plan.pieces([batch]), plan.cost_of(2601, 0), workers=8)
    assert cuts.starts[:2] == [0, 1300]
    assert cuts.starts[-1] == 2601
    # A plain one is read by offset: it is cut as a folder tree is.
    assert all(
        after - first <= plan.MAX_FILES
        for first, after in zip(cuts.starts[1:], cuts.starts[2:], strict=False)
    )
