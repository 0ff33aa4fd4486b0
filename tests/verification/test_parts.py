"""A verification in parts comes to what a whole one does: job arrays, machines, Dask."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fastdeid.engines import verifying
from fastdeid.errors import IncompleteError, UsageError
from fastdeid.verification import release as release_module
from fastdeid.verification.request import Request, open_release
from tests.cli.test_commands import run_main
from tests.verification.release import PATIENTS, Release

pytestmark = pytest.mark.jit


def asked(release: Release, **options: object) -> Request:
    given = {"source": release.folder / "source", "use_dciodvfy": False, **options}
    key = release.folder / "project.key"
    return verifying.as_request(release.target, key=key, **given)  # type: ignore[arg-type]


def parts_folder(release: Release) -> Path:
    return release.folder / "target.link-table" / "verify"


def damage(release: Release) -> None:
    for patient in PATIENTS[::3]:
        release.path(patient, 0).write_bytes(b"no DICOM, but Przybylska")
    (release.target / "Thumbs.db").write_bytes(b"")


@pytest.mark.parametrize("of", [1, 3, 7, 50])
def test_every_output_is_in_one_part(clean: Release, of: int) -> None:
    opened = open_release(asked(clean))
    rows = [row for number in range(of) for row in opened.share(number, of)]
    assert rows == list(range(20))


def test_parts_have_about_the_same_work(clean: Release) -> None:
    opened = open_release(asked(clean))
    assert [len(opened.share(number, 5)) for number in range(5)] == [4] * 5


def test_parts_consist_of_whole_tasks(clean: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_module, "_ROWS_PER_TASK", 1)
    opened = open_release(asked(clean, sample=15))
    whole = [[row.output_path for row in task.rows] for task in opened.tasks()]
    shares = [opened.share(number, 4) for number in range(4)]
    parts = [[row.output_path for row in task.rows] for one in shares for task in opened.tasks(one)]
    assert parts == whole
    assert len(whole) == 15


@pytest.mark.parametrize("sample", [None, "5"])
def test_parts_put_together_are_the_whole(copy: Release, sample: str | None) -> None:
    damage(copy)
    whole = copy.verify(sample=sample)
    request = asked(copy, sample=sample)
    # In any order, some of them again.
    for number in (2, 0, 1, 0):
        verifying.verify_part(request, number, 3, workers=0)
    merged = verifying.merge(request, 3)
    assert merged.findings == whole.findings != []
    assert (merged.verified, merged.exit_code) == (whole.verified, 9)
    assert (merged.references, merged.unresolved) == (whole.references, whole.unresolved)
    assert parts_folder(copy).stat().st_mode & 0o777 == 0o700


def test_parts_hold_no_original(copy: Release) -> None:
    damage(copy)
    verifying.verify_part(asked(copy), 0, 1, workers=0)
    (part,) = parts_folder(copy).iterdir()
    text = part.read_text().lower()
    for patient in PATIENTS:
        for value in (patient.name, patient.identifier, patient.accession, patient.study):
            assert value.lower() not in text


def test_a_missing_part_is_no_proof(copy: Release) -> None:
    request = asked(copy)
    for number in (0, 2, 3):
        verifying.verify_part(request, number, 5, workers=0)
    with pytest.raises(IncompleteError) as caught:
        verifying.merge(request, 5)
    assert caught.value.missing == [1, 4]
    whole = (parts_folder(copy) / "part-00000-of-00005.json").read_bytes()
    (parts_folder(copy) / "part-00001-of-00005.json").write_bytes(whole)
    (parts_folder(copy) / "part-00004-of-00005.json").write_bytes(whole[:-9])
    with pytest.raises(IncompleteError) as caught:
        verifying.merge(request, 5)
    assert caught.value.missing == [1, 4]


def test_parts_of_another_release_do_not_count(copy: Release) -> None:
    request = asked(copy)
    part = verifying.verify_part(request, 0, 1, workers=0)
    path = parts_folder(copy) / "part-00000-of-00001.json"
    path.write_text(path.read_text().replace(part.release, "0" * 32))
    with pytest.raises(IncompleteError):
        verifying.merge(request, 1)


def test_parts_of_different_verifications_are_refused(copy: Release) -> None:
    verifying.verify_part(asked(copy), 0, 2, workers=0)
    verifying.verify_part(asked(copy, source=None), 1, 2, workers=0)
    with pytest.raises(UsageError, match="another --source, --sample or --ocr"):
        verifying.merge(asked(copy), 2)


def test_the_commands_of_a_job_array(
    copy: Release, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(copy)
    common = ("verify", copy.target, "--key", copy.folder / "project.key")
    source = ("--source", copy.folder / "source", "--no-dciodvfy", "--workers", "0")
    assert run_main(monkeypatch, *common, *source, "--part", "0/3") == 0
    for name in ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_ID"):
        monkeypatch.setenv(name, "1")
    assert run_main(monkeypatch, *common, *source, "--part", "/3") == 0
    capsys.readouterr()
    assert run_main(monkeypatch, *common, "--merge", "3") == 75
    said = capsys.readouterr()
    assert (said.out, said.err) == (
        "--array=2\n",
        "fastdeid: 1 of 3 partitions are not complete\n",
    )
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    assert run_main(monkeypatch, *common, *source, "--part", "/3") == 0
    capsys.readouterr()
    assert run_main(monkeypatch, *common, "--merge", "3", "--json") == 9
    found = json.loads(capsys.readouterr().out)
    assert found["findings"] == json.loads(verifying.as_json(copy.verify()))["findings"]
    assert found["compared_with_source"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--part", "3/3"], "no part 3 of 3"),
        (["--part", "1"], "J/N"),
        (["--part", "a/3"], "J/N"),
        (["--part", "1/0"], "J/N"),
        (["--part", "/3"], "name the partition"),
        (["--part", "1/3", "--merge", "3"], "exclude each other"),
        (["--engine", "dask", "--part", "1/3"], "exclude each other"),
        (["--engine", "dask"], "--scheduler"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    clean: Release,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    monkeypatch.delenv("SLURM_ARRAY_TASK_ID", raising=False)
    common = ("verify", clean.target, "--key", clean.folder / "project.key")
    assert run_main(monkeypatch, *common, *options) == 2
    assert message in capsys.readouterr().err
