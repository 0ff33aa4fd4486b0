"""Plan, partitions and finalise as a cluster calls them, with the stand-in de-identifier."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdeid.engines import local, shares
from fastdeid.engines.shares import as_array, number_of_task
from fastdeid.errors import IncompleteError, KeyFileError, OutputError, UsageError
from fastdeid.summary import Summary
from tests.conversion.archive import result, tree, write_archive, write_key
from tests.conversion.fakes import FakeDeidentifier


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return a key file."""
    return write_key(tmp_path / "P.key")


def plan(tmp_path: Path, key: Path, partitions: int = 4) -> shares.Planned:
    source = tmp_path / "source"
    if not source.exists():
        write_archive(source)
    work = tmp_path / "out.link-table"
    return shares.plan(source, work, target=tmp_path / "out", key=key, partitions=partitions)


def do(tmp_path: Path, number: int) -> str:
    work = tmp_path / "out.link-table"
    return shares.run_partition(work, number, workers=0, make=FakeDeidentifier).state


def finalise(tmp_path: Path) -> Summary:
    return shares.finalise(tmp_path / "out.link-table", make=FakeDeidentifier)


def undisturbed(tmp_path: Path, key: Path) -> dict[str, bytes]:
    """Return what one process makes of the same source."""
    local.run(tmp_path / "source", tmp_path / "one", key=key, workers=0, make=FakeDeidentifier)
    return result(tmp_path / "one")


def test_partitions_in_any_order_give_what_one_process_gives(tmp_path: Path, key: Path) -> None:
    planned = plan(tmp_path, key, 5)
    assert (planned.partitions, planned.files) == (5, 128)
    for number in (3, 0, 4, 1, 2):
        assert do(tmp_path, number) == "done"
    summary = finalise(tmp_path)
    assert (summary.files, summary.exit_code) == (128, 3)
    assert result(tmp_path / "out") == undisturbed(tmp_path, key)


def test_more_partitions_than_files_are_not_made(tmp_path: Path, key: Path) -> None:
    planned = plan(tmp_path, key, 1000)
    assert 100 < planned.partitions <= planned.files


@pytest.mark.parametrize(("pixels", "partitions"), [("examine", 3), ("off", 1)])
def test_looking_into_pixels_makes_more_partitions(
    pixels: str, partitions: int, tmp_path: Path, key: Path
) -> None:
    # 2.1 GB: two and a half minutes of one core where text is sought, three seconds of copying.
    (tmp_path / "source").mkdir()
    for number in range(4):
        with (tmp_path / "source" / f"{number}.dcm").open("wb") as file:
            file.truncate(525_000_000)
    paths = tmp_path / "source", tmp_path / "out.link-table"
    planned = shares.plan(*paths, target=tmp_path / "out", key=key, pixels=pixels)
    assert planned.partitions == partitions


def test_finalise_names_what_is_missing_and_changes_nothing(tmp_path: Path, key: Path) -> None:
    plan(tmp_path, key, 6)
    for number in (0, 3):
        do(tmp_path, number)
    before = tree(tmp_path)
    with pytest.raises(IncompleteError) as raised:
        finalise(tmp_path)
    assert raised.value.missing == [1, 2, 4, 5]
    assert raised.value.exit_code == 75
    assert tree(tmp_path) == before


def test_a_part_that_somebody_changed_counts_as_missing(tmp_path: Path, key: Path) -> None:
    plan(tmp_path, key, 2)
    for number in (0, 1):
        do(tmp_path, number)
    part = min((tmp_path / "out.link-table" / "work").glob("part-*"))
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    with pytest.raises(IncompleteError) as raised:
        finalise(tmp_path)
    assert raised.value.missing == [0]


def test_an_output_that_is_lost_makes_its_partition_missing(tmp_path: Path, key: Path) -> None:
    plan(tmp_path, key, 3)
    for number in range(3):
        do(tmp_path, number)
    (tmp_path / "out" / "P3" / "S3" / "T" / "7.dcm").unlink()
    with pytest.raises(IncompleteError) as raised:
        finalise(tmp_path)
    (lost,) = raised.value.missing
    assert do(tmp_path, lost) == "done"
    assert finalise(tmp_path).files == 128


def test_each_step_can_be_done_again(tmp_path: Path, key: Path) -> None:
    plan(tmp_path, key, 3)
    assert plan(tmp_path, key, 7).partitions == 3
    for number in (0, 1, 2, 1):
        do(tmp_path, number)
    assert do(tmp_path, 1) == "unchanged"
    finalise(tmp_path)
    before = result(tmp_path / "out")
    assert finalise(tmp_path).state == "unchanged"
    assert result(tmp_path / "out") == before


def test_run_goes_on_with_the_plan_of_a_cluster(tmp_path: Path, key: Path) -> None:
    plan(tmp_path, key, 4)
    do(tmp_path, 2)
    local.run(tmp_path / "source", tmp_path / "out", key=key, workers=0, make=FakeDeidentifier)
    assert result(tmp_path / "out") == undisturbed(tmp_path, key)


def test_a_partition_that_is_not_in_the_plan_is_refused(tmp_path: Path, key: Path) -> None:
    plan(tmp_path, key, 2)
    for number in (2, -1):
        with pytest.raises(UsageError, match="the plan has 2"):
            do(tmp_path, number)


def test_a_folder_without_a_plan_is_refused(tmp_path: Path, key: Path) -> None:
    with pytest.raises(UsageError, match="holds no plan"):
        shares.run_partition(tmp_path, 0, key=key)
    with pytest.raises(UsageError, match="holds no plan"):
        shares.finalise(tmp_path, key=key)


def test_another_key_is_refused(tmp_path: Path, key: Path) -> None:
    plan(tmp_path, key)
    other = write_key(tmp_path / "other.key", bytes([9] * 32))
    with pytest.raises(KeyFileError, match="another project key"):
        shares.run_partition(tmp_path / "out.link-table", 0, key=other)


def test_finalise_waits_for_nobody(tmp_path: Path, key: Path) -> None:
    plan(tmp_path, key, 1)
    do(tmp_path, 0)
    from fastdeid.workspace import Workspace

    workspace = Workspace(tmp_path / "out.link-table" / "work")
    with workspace.lock(shared=True):
        assert do(tmp_path, 0) == "unchanged"
        with pytest.raises(UsageError, match="another run"):
            finalise(tmp_path)


def test_a_full_target_ends_a_partition(tmp_path: Path, key: Path) -> None:
    write_archive(tmp_path / "source", fate="full")
    plan(tmp_path, key, 2)
    with pytest.raises(OutputError, match="ENOSPC"):
        do(tmp_path, 0)


@pytest.mark.parametrize(
    ("environment", "number"),
    [
        ({"SLURM_ARRAY_TASK_ID": "3"}, 3),
        ({"SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_JOB_ID": "77"}, 0),
        ({"PBS_ARRAY_INDEX": "12"}, 12),
        ({"SGE_TASK_ID": "1"}, 0),
        ({"SGE_TASK_ID": "undefined", "LSB_JOBINDEX": "5"}, 4),
    ],
)
def test_the_number_comes_from_the_job_array(environment: dict[str, str], number: int) -> None:
    assert number_of_task(environment) == number


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"SLURM_ARRAY_JOB_ID": "77"},
        {"SLURM_ARRAY_TASK_ID": "", "SLURM_ARRAY_TASK_COUNT": "4"},
        {"SLURM_ARRAY_TASK_ID": "1", "PBS_ARRAY_INDEX": "2"},
        {"SLURM_ARRAY_TASK_ID": "one"},
        {"SGE_TASK_ID": "undefined"},
        {"LSB_JOBINDEX": "0"},
    ],
)
def test_no_array_or_half_of_one_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        number_of_task(environment)


def test_numbers_are_written_as_slurm_reads_them() -> None:
    assert as_array([0, 1, 2, 5, 7, 8]) == "0-2,5,7-8"
    assert as_array([]) == ""
