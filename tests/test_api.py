"""`import fastdeid`: the functions, their examples, and what importing costs."""

from __future__ import annotations

import doctest
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

import fastdeid
from fastdeid import api, link_table
from fastdeid.errors import InputError, KeyFileError, ProfileError
from tests import builders as b
from tests.linkage.tables import write_csv
from tests.runs import KEY, ct_image, process

FILE = b.part10(ct_image())


@pytest.mark.parametrize("module", [api, link_table], ids=lambda module: module.__name__)
@pytest.mark.filterwarnings("default")
def test_every_example_runs(module: ModuleType) -> None:
    tests = doctest.DocTestFinder(exclude_empty=True).find(module)
    runner = doctest.DocTestRunner()
    for test in tests:
        runner.run(test)
    assert runner.failures == 0
    assert runner.tries > 5


def test_every_function_is_documented_and_loaded_late() -> None:
    script = (
        "import sys, fastdeid\n"
        "heavy = {'numpy', 'numba', 'pyarrow', 'cv2', 'pydicom'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "import fastdeid.convert, fastdeid.deidentify\n"
        "from fastdeid import convert, deidentify, open_link_table, verify, Result\n"
        "for one in (convert, deidentify, open_link_table, verify, Result):\n"
        "    assert callable(one) and one.__doc__ and one.__name__ in dir(fastdeid), one\n"
        "assert fastdeid.convert is convert\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        fastdeid.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_bytes_become_what_a_run_makes_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "input.dcm").write_bytes(FILE)
    run = process(tmp_path / "input.dcm", tmp_path / "out")
    result = fastdeid.deidentify(FILE, pixels="off", key=KEY)
    assert result.ok
    assert result.data == run.data
    assert result.path == run.outcome.path
    assert tuple(result.pseudonyms.values()) == run.outcome.pseudonyms
    assert fastdeid.deidentify(FILE, pixels="off", key=KEY) == result


@pytest.mark.parametrize(
    ("data", "verdict"),
    [(b"", "not_dicom"), (b"Doe^Jane", "not_dicom"), (FILE[:-9], "quarantined")],
)
def test_bad_bytes_are_a_result(data: bytes, verdict: str) -> None:
    result = fastdeid.deidentify(data, pixels="off", key=KEY)
    assert (result.verdict, result.data, result.ok) == (verdict, b"", False)
    assert result.reason


def test_a_key_and_a_profile_are_needed(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError):
        fastdeid.deidentify(FILE)
    with pytest.raises(KeyFileError):
        fastdeid.deidentify(FILE, key=tmp_path / "none")
    with pytest.raises(ProfileError):
        fastdeid.deidentify(FILE, profile="none", key=KEY)


def test_a_crosswalk_names_the_patients(tmp_path: Path) -> None:
    path = write_csv(tmp_path, "original_id,subject_id\nMRN-4711,SUB-1\n")
    result = fastdeid.deidentify(FILE, pixels="off", key=KEY, crosswalk=path)
    assert result.pseudonyms["patient"] == "SUB-1"
    write_csv(tmp_path, "original_id,subject_id\nMRN-4712,SUB-1\n")
    assert (
        fastdeid.deidentify(FILE, pixels="off", key=KEY, crosswalk=path).reason
        == "not_in_crosswalk"
    )
    with pytest.raises(InputError):
        fastdeid.deidentify(FILE, pixels="off", key=KEY, crosswalk=tmp_path / "none.csv")


def test_threads_do_not_disturb_each_other() -> None:
    files = [b.part10(ct_image(b.text(0x00080018, "UI", f"1.2.3.{number}"))) for number in range(8)]
    expected = [fastdeid.deidentify(data, pixels="off", key=KEY) for data in files]
    found: dict[int, fastdeid.Result] = {}

    def work(number: int) -> None:
        found[number] = fastdeid.deidentify(files[number], pixels="off", key=KEY)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(8)] == expected
