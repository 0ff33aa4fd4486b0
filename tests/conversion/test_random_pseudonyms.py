"""Profile safe-harbor, end to end: pseudonyms that nothing but the link table leads back from."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from fastdeid import convert, deidentify, open_link_table, verify
from fastdeid.drawn_key import KEY_FILE
from fastdeid.engines.local import run
from fastdeid.engines.stop import Stopped
from fastdeid.engines.worker import make_deidentifier
from fastdeid.errors import KeyFileError, ProfileError, UsageError
from fastdeid.linkage.known import open_known
from fastdeid.outcome import Outcome
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.summary import Summary
from fastdeid.workspace import Settings
from tests import builders as b
from tests.conversion.archive import KEY, result, write_key
from tests.link_tables import read_link_table
from tests.runs import ct_image

# Without compiled kernels these runs take long and show nothing more.
pytestmark = pytest.mark.jit

PROFILE = "safe-harbor"
N_FILES = 130  # more than one partition


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with images of two patients, and a project key."""
    folder = tmp_path_factory.mktemp("random")
    (folder / "source").mkdir()
    for number in range(N_FILES):
        patient = number % 2
        own = [
            b.text(0x00080018, "UI", f"1.2.3.{number}"),
            b.text(0x00080020, "DA", "20240305"),
            b.text(0x00100010, "PN", f"Doe^Jane{'xy'[patient]}"),
            b.text(0x00100020, "LO", f"MRN-471{patient}"),
            b.text(0x0020000D, "UI", f"1.2.4.{patient}"),
        ]
        file = b.part10(ct_image(*own))
        (folder / "source" / f"{number:03}.dcm").write_bytes(file)
    write_key(folder / "key")
    return folder


def start(place: Path, target: Path, workers: int = 0, source: str = "source") -> Summary:
    return run(
        place / source, target, key=place / "key", profile=PROFILE, workers=workers, pixels="off"
    )


def work(target: Path) -> Path:
    return target.with_name(target.name + ".link-table") / "work"


def plant(target: Path) -> None:
    """Let a run find the same key, as one that was killed between key and plan finds its own."""
    work(target).mkdir(parents=True)
    write_key(work(target) / KEY_FILE, bytes(range(7, 39)))


def patients(target: Path) -> dict[str, str]:
    link_table = target.with_name(target.name + ".link-table")
    table = read_link_table(link_table / "identities.parquet", KEY)
    return {
        row["original"]: row["pseudonym"] for row in table.to_pylist() if row["kind"] == "patient"
    }


class StopsEarly:
    """A de-identifier that is told to stop after some files; looks at the key meanwhile."""

    seen: tuple[int, int] | None = None

    def __init__(self, settings: Settings, key: bytes, dry_run: bool) -> None:
        self._inner = make_deidentifier(settings, key, dry_run)
        self._key = Path(settings.link_table) / "work" / KEY_FILE
        self.seconds = self._inner.seconds
        self._left = 100

    def process_many(self, paths: list[bytes], *, overwrite: bool = False) -> list[Outcome]:
        """De-identify files until it is enough."""
        status = self._key.stat()
        StopsEarly.seen = (stat.S_IMODE(status.st_mode), status.st_size)
        self._left -= len(paths)
        if self._left < 0:
            raise Stopped
        return self._inner.process_many(paths, overwrite=overwrite)

    def begin(self, partition: int) -> None:
        """Begin a partition."""

    def commit(self) -> None:
        """Let its outputs appear: they have appeared."""

    def close(self) -> None:
        """Close what is held."""
        self._inner.close()


def test_two_runs_with_one_project_key_have_nothing_in_common(place: Path, tmp_path: Path) -> None:
    for target in ("one", "other"):
        assert start(place, tmp_path / target).verdicts == {"ok": N_FILES}
    first, second = (patients(tmp_path / target) for target in ("one", "other"))
    assert first.keys() == second.keys() == {"MRN-4710", "MRN-4711"}
    assert not set(first.values()) & set(second.values())
    keyed = {Pseudonyms(KEY).patient(original, "") for original in first}
    assert not keyed & {*first.values(), *second.values()}
    names = [
        {path.relative_to(tmp_path / target) for path in (tmp_path / target).rglob("*.dcm")}
        for target in ("one", "other")
    ]
    assert len(names[0]) == len(names[1]) == N_FILES
    assert not names[0] & names[1]


def test_nothing_but_the_link_table_is_left_of_the_key(place: Path, tmp_path: Path) -> None:
    plant(tmp_path / "out")
    start(place, tmp_path / "out")
    assert not (work(tmp_path / "out") / KEY_FILE).exists()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert bytes(range(7, 39)) not in path.read_bytes()


def test_any_number_of_workers_gives_the_same_bytes(place: Path, tmp_path: Path) -> None:
    results = []
    for workers in (0, 2):
        target = tmp_path / str(workers)
        plant(target)
        start(place, target, workers)
        results.append(result(target))
    assert results[0] == results[1]


def test_a_stopped_run_goes_on_with_the_same_pseudonyms(place: Path, tmp_path: Path) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    plant(whole)
    plant(halves)
    start(place, whole)
    with pytest.raises(Stopped):
        run(
            *(place / "source", halves),
            key=place / "key",
            profile=PROFILE,
            workers=0,
            pixels="off",
            make=StopsEarly,
        )
    assert StopsEarly.seen == (0o600, 32)
    begun = len(list(halves.rglob("*.dcm")))
    assert 0 < begun < N_FILES
    start(place, halves)
    assert result(halves) == result(whole)


def test_a_finished_run_is_not_run_again_under_other_pseudonyms(
    place: Path, tmp_path: Path
) -> None:
    shutil.copytree(place / "source", tmp_path / "source")
    target = tmp_path / "out"

    def again() -> Summary:
        return run(
            tmp_path / "source", target, key=place / "key", profile=PROFILE, workers=0, pixels="off"
        )

    again()
    before = result(target)
    assert again().state == "unchanged"
    os.unlink(tmp_path / "source" / "000.dcm")
    with pytest.raises(UsageError, match="choose another TARGET"):
        again()
    shutil.copy(place / "source" / "000.dcm", tmp_path / "source")
    (work(target) / "plan.parquet").unlink()
    with pytest.raises(UsageError, match="choose another TARGET"):
        again()
    assert result(target) == before


def test_a_run_that_was_killed_before_its_last_step_still_loses_its_key(
    place: Path, tmp_path: Path
) -> None:
    start(place, tmp_path / "out")
    write_key(work(tmp_path / "out") / KEY_FILE, bytes(range(7, 39)))
    assert start(place, tmp_path / "out").state == "unchanged"
    assert not (work(tmp_path / "out") / KEY_FILE).exists()


def test_what_a_crash_left_of_a_key_is_drawn_again(place: Path, tmp_path: Path) -> None:
    work(tmp_path / "out").mkdir(parents=True)
    write_key(work(tmp_path / "out") / KEY_FILE, b"")
    assert start(place, tmp_path / "out").verdicts == {"ok": N_FILES}


def test_the_release_is_proved_and_read_by_its_link_table(place: Path, tmp_path: Path) -> None:
    target, links = tmp_path / "out", tmp_path / "out.link-table"
    convert(place / "source", target, key=place / "key", profile=PROFILE, workers=0, pixels="off")
    done = verify(target, key=place / "key", source=place / "source", workers=0)
    assert (done.findings, done.verified) == ([], N_FILES)
    table = open_link_table(links, place / "key")
    assert table.kind("patient", ["original"]).num_rows == 2
    with pytest.raises(KeyFileError, match="another project key"):
        open_link_table(links, bytes(range(2, 34)))


def test_the_key_does_not_lead_from_identifiers_to_random_pseudonyms(
    place: Path, tmp_path: Path
) -> None:
    start(place, tmp_path / "out")
    with pytest.raises(KeyFileError, match="drawn at random"):
        open_known(tmp_path / "out.link-table", Pseudonyms(KEY))


def test_single_files_have_no_random_pseudonyms() -> None:
    with pytest.raises(ProfileError, match="whole run"):
        deidentify(b"", profile=PROFILE, key=KEY)


def test_a_dry_run_draws_nothing_that_stays(place: Path, tmp_path: Path) -> None:
    summary = run(
        *(place / "source", tmp_path / "out"),
        key=place / "key",
        profile=PROFILE,
        workers=0,
        pixels="off",
        dry_run=True,
    )
    assert summary.verdicts == {"ok": N_FILES}
    assert not list(tmp_path.iterdir())
