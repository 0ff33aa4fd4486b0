"""`--shard-tar`: the outputs of a tree run, in tar files that any run of that SOURCE makes anew."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from fastdeid import plan, shards
from fastdeid.deidentify import Deidentifier
from fastdeid.engines import local, verifying
from fastdeid.engines.shares import finalise, run_partition
from fastdeid.engines.shares import plan as plan_shares
from fastdeid.engines.worker import make_deidentifier
from fastdeid.errors import UsageError
from fastdeid.input_types import Input
from fastdeid.outcome import Outcome
from fastdeid.storage import NEW
from fastdeid.workspace import Settings
from tests.conversion.archive import tree, verdicts, write_key
from tests.storage.packing import KEY, files, write_files
from tests.verification.release import PATIENTS, a_file

SIZE = shards.LEAST


def source_of(folder: Path) -> Path:
    """Write files of three patients, two copies of an instance, and two that differ from it."""
    content = files(3, 3)
    first, second = (content[f"{patient.name}/001"] for patient in PATIENTS[:2])
    more = {
        "A_first/other": first[:-4] + b"\5\6\7\10",
        "copies/A": second,
        "copies/B": second,
        "copies/C": second[:-4] + b"\1\2\3\4",
    }
    return write_files(folder, content | more)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let partitions have two files, so that an instance stands in several."""
    monkeypatch.setattr(plan, "MAX_FILES", 2)


def run(source: Path, target: Path, size: int = SIZE, **options: Any) -> dict[str, bytes]:
    key = target.with_suffix(".key")
    if not key.exists():
        write_key(key, KEY)
    given: Any = {"key": key, "workers": 0, "pixels": "off", "sync": False, **options}
    local.run(source, target, shard_bytes=size, **given)
    return tree(target)


def members(target: Path) -> dict[str, bytes]:
    """Return the members of all shards, as another reader of tar files finds them."""
    found: dict[str, bytes] = {}
    for path in sorted(target.glob("*.tar")):
        with tarfile.open(path) as archive:
            for info in archive:
                assert info.name not in found
                assert (info.mtime, info.uid, info.gid, info.uname, info.gname) == (0, 0, 0, "", "")
                file = archive.extractfile(info)
                assert file is not None
                found[info.name] = file.read()
    return found


def rows(target: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(target / "manifest.parquet").to_pylist()
    return found


def verify(target: Path, source: Path) -> list[tuple[str, str]]:
    done = verifying.verify(
        target,
        link_table=target.with_name(f"{target.name}.link-table"),
        key=target.with_suffix(".key"),
        source=source,
        workers=0,
        use_dciodvfy=False,
    )
    return [(one.path, one.kind) for one in done.findings]


@pytest.mark.usefixtures("small")
def test_shards_hold_the_outputs_of_a_tree_and_the_manifest_says_where(tmp_path: Path) -> None:
    source = source_of(tmp_path / "source")
    in_files = run(source, tmp_path / "files", 0)
    run(source, tmp_path / "shards")
    in_files.pop("manifest.parquet")
    assert members(tmp_path / "shards") == in_files
    assert verdicts(tmp_path / "shards") == verdicts(tmp_path / "files")
    assert {"duplicate", "collision"} < {one[0] for one in verdicts(tmp_path / "shards").values()}
    for ours, theirs in zip(rows(tmp_path / "shards"), rows(tmp_path / "files"), strict=True):
        shard, offset = ours.pop("shard"), ours.pop("shard_offset")
        assert (theirs.pop("shard"), theirs.pop("shard_offset")) == (None, None)
        assert ours == theirs
        if ours["status"] == "ok":
            data = (tmp_path / "shards" / shard).read_bytes()
            output = data[offset : offset + ours["output_size"]]
            assert output == in_files[ours["output_path"]]
        else:
            assert shard is offset is None
    assert verify(tmp_path / "shards", source) == []


@pytest.mark.usefixtures("small")
def test_shards_are_the_same_bytes_on_one_machine_and_on_a_cluster(tmp_path: Path) -> None:
    source = source_of(tmp_path / "source")
    alone = run(source, tmp_path / "alone")
    key = write_key(tmp_path / "P.key", KEY)
    work = tmp_path / "shared.link-table"
    planned = plan_shares(
        *(source, work),
        target=tmp_path / "shared",
        key=key,
        partitions=3,
        pixels="off",
        sync=False,
        shard_bytes=SIZE,
    )
    for number in reversed(range(planned.partitions)):
        run_partition(work, number, workers=0)
    finalise(work)
    assert tree(tmp_path / "shared") == alone


class Interrupted(Deidentifier):
    """Ends like a process that was killed, behind so many files."""

    left = 0

    def process_many(
        self, source_paths: Sequence[Input], *, overwrite: bool = False
    ) -> list[Outcome]:
        """De-identify files."""
        found = super().process_many(source_paths, overwrite=overwrite)
        type(self).left -= len(found)
        if self.left < 0:
            raise KeyboardInterrupt
        return found


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("left", [0, 5, 9])
def test_a_run_that_was_ended_goes_on_to_the_same_bytes(tmp_path: Path, left: int) -> None:
    source = source_of(tmp_path / "source")
    undisturbed = run(source, tmp_path / "undisturbed")

    def make(settings: Settings, key: bytes, dry_run: bool) -> Deidentifier:
        made = make_deidentifier(settings, key, dry_run)
        assert isinstance(made, Deidentifier)
        made.__class__ = Interrupted
        return made

    Interrupted.left = left
    with pytest.raises(KeyboardInterrupt):
        run(source, tmp_path / "out", make=make)
    for path in (tmp_path / "out").glob("*"):
        assert tarfile.is_tarfile(path)
    assert run(source, tmp_path / "out") == undisturbed


@pytest.mark.usefixtures("small")
def test_what_is_lost_of_a_finished_run_comes_again(tmp_path: Path) -> None:
    source = source_of(tmp_path / "source")
    undisturbed = run(source, tmp_path / "out")
    for path in sorted((tmp_path / "out").glob("*.tar")):
        path.write_bytes(path.read_bytes()[:-512])
        assert run(source, tmp_path / "out") == undisturbed
    # Killed between the tables and the sign that the run is finished.
    (tmp_path / "out.link-table" / "work" / "summary.json").unlink()
    assert run(source, tmp_path / "out") == undisturbed


@pytest.mark.usefixtures("small")
def test_a_source_that_has_changed_leaves_no_old_shard(tmp_path: Path) -> None:
    source = source_of(tmp_path / "source")
    run(source, tmp_path / "out")
    for path in (source / PATIENTS[1].name).iterdir():
        path.unlink()
    (source / PATIENTS[1].name).rmdir()
    changed = run(source, tmp_path / "out")
    assert changed == run(source, tmp_path / "anew")


def test_a_shard_holds_no_more_than_asked_for(tmp_path: Path) -> None:
    content = {
        f"{patient.name}/{number}": a_file(patient, number, "native") + bytes(400_000)
        for patient in PATIENTS[:2]
        for number in range(3)
    }
    tree_of = tmp_path / "source"
    write_files(tree_of, content)
    tree_shards = shards.ShardTree(str(tmp_path), SIZE)
    tree_shards.begin(7)
    descriptor = os.open(tree_of / PATIENTS[0].name / "0", os.O_RDONLY)
    for number, size in enumerate([400_000, 400_000, 400_000, 3_000_000, 10, 10]):
        assert tree_shards.publish(f"P/{number}.dcm", [bytes(size)], descriptor) == NEW
    tree_shards.commit()
    os.close(descriptor)
    found = {path.name: path.stat().st_size for path in sorted(tmp_path.glob("*.tar"))}
    assert list(found) == ["00007-000.tar", "00007-001.tar", "00007-002.tar", "00007-003.tar"]
    assert [size for size in found.values() if size > SIZE] == [found["00007-002.tar"]]


@pytest.mark.usefixtures("small")
def test_verify_finds_what_does_not_belong_into_a_shard(tmp_path: Path) -> None:
    source = source_of(tmp_path / "source")
    run(source, tmp_path / "out")
    path = min((tmp_path / "out").glob("*.tar"))
    whole = path.read_bytes()
    owner = bytearray(whole)
    owner[265:269] = b"jane"  # the owner's name in a member's header
    for damaged, kind in [
        (bytes(owner), "shard_differs"),
        (whole[:-1024] + bytes(512) + b"Doe^Jane" + bytes(1016), "shard_differs"),
        (whole[: len(whole) // 3], "damaged"),
        (whole + b"x", "shard_differs"),
    ]:
        path.write_bytes(damaged)
        assert kind in {one for _, one in verify(tmp_path / "out", source)}
    path.unlink()
    assert "missing" in {one for _, one in verify(tmp_path / "out", source)}
    path.write_bytes(whole)
    (tmp_path / "out" / "99999-000.tar").write_bytes(whole)
    assert [kind for _, kind in verify(tmp_path / "out", source)] == ["unknown_file"]


def test_shards_of_somebody_else_are_not_touched(tmp_path: Path) -> None:
    source = source_of(tmp_path / "source")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "00000-000.tar").write_bytes(b"not ours")
    with pytest.raises(UsageError, match="unknown run"):
        run(source, tmp_path / "out")
    assert tree(tmp_path / "out") == {"00000-000.tar": b"not ours"}


def test_a_run_does_not_go_on_with_another_kind_of_outputs(tmp_path: Path) -> None:
    source = source_of(tmp_path / "source")
    run(source, tmp_path / "out")
    with pytest.raises(UsageError, match="--shard-tar"):
        run(source, tmp_path / "out", 0)


@pytest.mark.parametrize(
    ("text", "size"),
    [("1048576", 1 << 20), ("500MB", 500_000_000), ("1GiB", 1 << 30), ("2 g", 2_000_000_000)],
)
def test_sizes_have_units(text: str, size: int) -> None:
    assert shards.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "1000", "-1GB", "1.5GB", "1PB", "GB"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        shards.parse_size(text)
