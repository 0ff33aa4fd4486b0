"""Reversible outputs: the key alone leads back, and nothing but the key."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdeid
from fastdeid.errors import InputError, KeyFileError, ProfileError
from fastdeid.keys import write_key
from fastdeid.linkage.disclosed import disclose_file, disclose_release, everywhere
from fastdeid.linkage.reidentify import find_one
from fastdeid.profile_text import show_profile
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.reporting.report import write_report
from fastdeid.reversible import Envelope
from fastdeid.settings import read_settings
from fastdeid.statement import write_statement
from tests import builders as b
from tests.cli.test_commands import run_main
from tests.linkage.released import Released, code, release
from tests.linkage.tables import KEY, write_parquet
from tests.runs import ct_image

HEAD = 'name = "ours"\nversion = "1"\npurpose = "a test"\n'
PSEUDONYMS = Pseudonyms(KEY)
ENVELOPE = Envelope(PSEUDONYMS)
OTHER = Pseudonyms(bytes(reversed(KEY)))


def profile(folder: Path, extends: str = "research") -> str:
    path = folder / "ours.toml"
    path.write_text(f'{HEAD}extends = "{extends}"\nreversible = true\n')
    return str(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Released:
    """Return a finished run of a reversible profile."""
    folder = tmp_path_factory.mktemp("reversible")
    return release(folder, profile=profile(folder))


def outputs(made: Released) -> list[Path]:
    return sorted(made.target.rglob("*.dcm"))


def message(path: Path) -> bytes:
    (item,) = pydicom.dcmread(path).EncryptedAttributesSequence
    assert item.EncryptedContentTransferSyntaxUID == "1.2.840.10008.1.2.1"
    return bytes(item.EncryptedContent)


# Messages ------------------------------------------------------------------------------------


@given(content=st.binary(min_size=1, max_size=300))
def test_what_is_sealed_is_unsealed_and_the_same_each_time(content: bytes) -> None:
    sealed = ENVELOPE.seal(content)
    assert ENVELOPE.unseal(sealed) == ENVELOPE.unseal(sealed + b"\0") == content
    assert Envelope(PSEUDONYMS).seal(content) == sealed


@given(content=st.binary(min_size=1, max_size=60), at=st.integers(0), bit=st.integers(0, 7))
def test_no_changed_message_is_unsealed(content: bytes, at: int, bit: int) -> None:
    sealed = bytearray(ENVELOPE.seal(content))
    sealed[at % len(sealed)] ^= 1 << bit
    with pytest.raises((InputError, KeyFileError)):
        ENVELOPE.unseal(bytes(sealed))


def test_no_prefix_of_a_message_is_unsealed() -> None:
    sealed = ENVELOPE.seal(b"0" * 40)
    for end in range(len(sealed)):
        with pytest.raises((InputError, KeyFileError)):
            ENVELOPE.unseal(sealed[:end])


def test_another_key_is_refused() -> None:
    with pytest.raises(KeyFileError, match="another project key"):
        Envelope(OTHER).unseal(ENVELOPE.seal(b"0"))


def test_openssl_reads_the_message_with_the_wrapping_key(made: Released, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    (tmp_path / "message").write_bytes(message(outputs(made)[0]))
    secrets = ["-secretkey", ENVELOPE.wrapping_key.hex()]
    secrets += ["-secretkeyid", PSEUDONYMS.key_id.encode().hex()]
    done = subprocess.run(
        ["openssl", "cms", "-decrypt", "-inform", "DER", "-in", tmp_path / "message", *secrets],
        capture_output=True,
        check=True,
    )
    assert b"CLINIC" in done.stdout
    assert done.stdout == ENVELOPE.unseal(message(outputs(made)[0]))


# Files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", [b.EXPLICIT, b.IMPLICIT, b.BIG, b.DEFLATED])
def test_originals_come_back_from_the_bytes_of_any_encoding(
    encoding: b.Encoding, tmp_path: Path
) -> None:
    more = b.text(0x00080005, "CS", "ISO_IR 100", encoding)
    name = b.element(0x00100010, "PN", "Müller^Jörg ".encode("latin-1"), encoding)
    data = b.part10(ct_image(more, name, encoding=encoding), encoding)
    result = fastdeid.deidentify(data, profile(tmp_path, "basic"), KEY, pixels="off")
    assert result.ok, result.reason
    assert fastdeid.deidentify(data, profile(tmp_path, "basic"), KEY, pixels="off") == result
    (tmp_path / "output").write_bytes(result.data)
    (row,) = disclose_file(tmp_path / "output", PSEUDONYMS).instances.to_table().to_pylist()
    assert row["original_patient_name"] == "Müller^Jörg"
    assert row["original_patient_id"] == "MRN-4711"
    assert row["original_sop_instance_uid"] == "1.2.826.0.1.3680043.10.1.3.1"
    assert row["original_issuer_of_patient_id"] is None
    assert row["date_offset"] is None
    for value in (b"MRN-4711", "Müller".encode("latin-1"), b"1.2.826.0.1.3680043.10.1.3.1"):
        assert value not in result.data


def test_what_an_input_enclosed_is_not_passed_on(made: Released, tmp_path: Path) -> None:
    first = outputs(made)[0].read_bytes()
    again = fastdeid.deidentify(first, profile(tmp_path), KEY, pixels="off")
    assert again.data.count(b"\x00\x04\x00\x05SQ") == 1
    (tmp_path / "output").write_bytes(again.data)
    (row,) = disclose_file(tmp_path / "output", PSEUDONYMS).instances.to_table().to_pylist()
    assert row["original_patient_id"] == pydicom.dcmread(outputs(made)[0]).PatientID
    plain = fastdeid.deidentify(first, "research", KEY, pixels="off")
    assert b"\x00\x04\x00\x05SQ" not in plain.data


def test_a_release_is_verified(made: Released) -> None:
    source = made.target.parent / "source"
    done = fastdeid.verify(made.target, key=made.key, source=source, workers=0)
    assert (done.findings, done.verified) == ([], 12)


def test_the_report_says_that_outputs_enclose_originals(made: Released, tmp_path: Path) -> None:
    page = Path(write_report(made.link_table, made.key, tmp_path / "report.html")).read_text()
    assert "REVERSIBLE: (0400,0500) of every output" in page


def test_enclosed_originals_that_are_not_the_files_own_are_findings(
    made: Released, tmp_path: Path
) -> None:
    for name in ("target", "target.link-table"):
        shutil.copytree(made.target.with_name(name), tmp_path / name)
    one, two, three, *_ = sorted((tmp_path / "target").rglob("*.dcm"))
    for path, other in ((one, message(two)), (two, bytes(len(message(two))))):
        path.write_bytes(path.read_bytes().replace(message(path), other))
    data_set = pydicom.dcmread(three)
    data_set.EncryptedAttributesSequence[0].PatientComments = "beside"
    data_set.save_as(three)
    done = fastdeid.verify(tmp_path / "target", key=made.key, workers=0)
    found = {
        finding.path
        for finding in done.findings
        if (finding.kind, finding.tag) == ("marker_untrue", "(0400,0500)")
    }
    assert found == {str(path.relative_to(tmp_path / "target")) for path in (one, two, three)}
    with pytest.raises(InputError, match="another instance"):
        disclose_file(one, PSEUDONYMS)
    with pytest.raises(InputError):
        disclose_file(two, PSEUDONYMS)


# Commands ------------------------------------------------------------------------------------


def test_the_release_and_the_key_lead_back_as_the_link_table_does(made: Released) -> None:
    link_table = fastdeid.open_link_table(made.link_table, made.key)
    output = pydicom.dcmread(outputs(made)[5])
    for keyword in ("PatientID", "AccessionNumber", "StudyInstanceUID", "SOPInstanceUID"):
        asked = output[keyword].value
        disclosed = disclose_release(made.target, PSEUDONYMS, everywhere(asked))
        (ours,), (theirs,) = (
            find_one(table, asked, lambda *_: None) for table in (disclosed, link_table)
        )
        assert ours | {"source_path": None} == ours | theirs | {"source_path": None}


def test_the_command_works_without_the_link_table(
    made: Released,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = tmp_path / "audit.log"
    options: list[str | Path] = ["--key", made.key, "--audit-log", log]
    whole = [*options, "--release", made.target]
    table = write_parquet(tmp_path, patient=[code("0011"), "UNKNOWN", code("0013")])
    assert run_main(monkeypatch, "reidentify", outputs(made)[0], *options) == 0
    assert json.loads(capsys.readouterr().out)[0]["original_study_date"] == "20240301"
    assert run_main(monkeypatch, "reidentify", code("0012"), *whole) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["original"], found["issuer"]) == ("0012", "CLINIC")
    assert found["date_offset"] == PSEUDONYMS.date_offset(code("0012"))
    assert run_main(monkeypatch, "reidentify", "nobody", *whole) == 4
    assert run_main(monkeypatch, "reidentify", table, *whole, "--out", tmp_path / "o.parquet") == 0
    rows = pq.read_table(tmp_path / "o.parquet").to_pylist()
    assert [row["original_patient_id"] for row in rows] == ["0011", None, "0013"]
    uses = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(use["kind"], use["asked"], use["found"]) for use in uses] == [
        *[("file", 1, 1), ("id", 1, 1), ("id", 1, 0), ("table", 3, 2)]
    ]


def test_what_cannot_lead_back_says_what_does(
    made: Released,
    released: Released,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log: list[str | Path] = ["--audit-log", tmp_path / "log"]
    key: list[str | Path] = ["--key", made.key]
    other = tmp_path / "other.key"
    write_key(other)
    plain = min(released.target.rglob("*.dcm"))
    cases: list[tuple[list[str | Path], int, str]] = [
        ([outputs(made)[0], *key], 2, "--audit-log"),
        ([code("0012"), *key, *log], 2, "--release TARGET"),
        ([code("0012"), *key, *log, "--release", tmp_path], 5, "no manifest.parquet"),
        ([outputs(made)[0], "--key", other, *log], 8, "another project key"),
        ([plain, *key, *log], 5, "not reversible: --link-table"),
        ([code("0012"), *key, *log, "--release", released.target], 5, "not reversible"),
    ]
    for arguments, exit_code, said in cases:
        assert run_main(monkeypatch, "reidentify", *arguments) == exit_code
        told = capsys.readouterr()
        assert said in told.err
        assert told.out == ""
    assert not (tmp_path / "log").exists()


# Profiles ------------------------------------------------------------------------------------


def test_no_profile_that_comes_with_fastdeid_is_reversible(tmp_path: Path) -> None:
    for name in ("basic", "research", "teaching", "clinical-trial", "safe-harbor"):
        assert not read_settings(name).reversible
        assert "No output holds originals" in write_statement(name)
    assert "REVERSIBLE" in "\n".join(show_profile(profile(tmp_path)))
    statement = write_statement(profile(tmp_path))
    assert "re-identifies every output" in statement
    assert "(0400,0500) Encrypted Attributes Sequence | its originals" in statement


def test_a_profile_file_is_found_again_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile(tmp_path)
    monkeypatch.chdir(tmp_path)
    made = release(tmp_path, profile="ours.toml")
    monkeypatch.chdir("/")
    assert fastdeid.verify(made.target, key=made.key, workers=0).findings == []


def test_random_pseudonyms_must_not_lead_back(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="line 5: reversible: random pseudonyms"):
        read_settings(profile(tmp_path, "safe-harbor"))
