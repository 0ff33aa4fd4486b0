"""Archives that are damaged, cut off, or made to deceive: a reason for each, and nothing else."""

from __future__ import annotations

import gzip
import io
import os
import random
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Final

import pytest

from fastdeid.archives import members, opening
from fastdeid.archives.members import ArchiveError, Member
from tests.conversion.archive import verdicts
from tests.storage.packing import files, reasons, run, tar_bytes, walk, zip_bytes
from tests.verification.release import PATIENTS, a_file

DAMAGES: Final = {"damaged_member", "damaged_archive", "changed_while_read"}


def link(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_what_is_no_file_in_a_tar_archive_is_listed_with_its_reason(tmp_path: Path) -> None:
    more = (
        link("soft", tarfile.SYMTYPE, "/etc/passwd"),
        link("hard", tarfile.LNKTYPE, "README"),
        link("pipe", tarfile.FIFOTYPE),
        link("disk", tarfile.BLKTYPE),
        link("tty", tarfile.CHRTYPE),
        link("folder", tarfile.DIRTYPE),
        link("odd", b"Q"),
        link("../../etc/cron.d/x", tarfile.REGTYPE),
        link("a/..\\..\\b", tarfile.REGTYPE),
        link("README", tarfile.REGTYPE),
        link("./README", tarfile.REGTYPE),
    )
    path = tmp_path / "a.tar"
    path.write_bytes(tar_bytes({"README": b"x"}, more=more))
    found = [(one.path.decode(), one.reason) for one in walk(path)]
    assert found == [
        ("/README", ""),
        ("/soft", "symbolic_link"),
        ("/hard", "hard_link"),
        ("/pipe", "fifo"),
        ("/disk", "device"),
        ("/tty", "device"),
        ("/odd", "unknown_member_type"),
        ("/../../etc/cron.d/x", "unsafe_member_name"),
        ("/a/..\\..\\b", "unsafe_member_name"),
        ("/README", "duplicate_member_name"),
        ("/README", "duplicate_member_name"),
    ]


def test_nothing_is_written_under_the_name_of_a_member(tmp_path: Path) -> None:
    image = a_file(PATIENTS[0], 0, "native")
    outside = tmp_path / "outside"
    content = {f"{outside}": image, "../../outside": image, "a/../../outside": image}
    (tmp_path / "a.zip").write_bytes(zip_bytes(content))
    run(tmp_path / "a.zip", tmp_path / "target")
    assert not outside.exists()
    # A leading slash is left out, as tar and unzip do; what leads upwards is refused.
    assert sorted(
        reason or verdict for verdict, reason in verdicts(tmp_path / "target").values()
    ) == [*("ok", "unsafe_member_name", "unsafe_member_name")]


def test_members_of_a_zip_archive_that_cannot_be_read_have_a_reason(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("plain", b"x")
        archive.writestr("bzip2", b"x" * 100, zipfile.ZIP_BZIP2)
        soft = zipfile.ZipInfo("soft")
        soft.create_system, soft.external_attr = 3, 0o120777 << 16
        archive.writestr(soft, "/etc/passwd")
        archive.writestr("secret", b"x")
        archive.writestr("huge", b"x")
    data = bytearray(file.getvalue())
    at = data.index(b"PK\1\2", data.rindex(b"huge") - 46)
    struct.pack_into("<I", data, at + 24, 0xFFFFFFF0)
    at = data.index(b"PK\1\2", data.rindex(b"secret") - 46)
    struct.pack_into("<H", data, at + 8, 1)
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    assert reasons(path) == {
        "plain": "",
        "bzip2": "unsupported_compression",
        "soft": "symbolic_link",
        "secret": "encrypted_member",
        "huge": "expands_too_much",
    }


def test_members_of_a_zip_archive_that_share_their_bytes_are_a_bomb(tmp_path: Path) -> None:
    data = zip_bytes({f"{number:03}": b"x" * 500 for number in range(100)}, zipfile.ZIP_STORED)
    whole = bytearray(data)
    at = whole.index(b"PK\1\2")
    while whole[at : at + 4] == b"PK\1\2":
        struct.pack_into("<2I", whole, at + 20, 50_000, 50_000)
        at += 46 + 3
    path = tmp_path / "a.zip"
    path.write_bytes(whole)
    assert reasons(path)[""] == "expands_too_much"


@pytest.mark.parametrize("what", ["name", "method", "crc", "data", "size"])
def test_a_member_that_differs_from_its_record_is_refused(tmp_path: Path, what: str) -> None:
    data = bytearray(zip_bytes({"name": b"content" * 100}))
    record = data.index(b"PK\1\2")
    change = {"name": 30, "method": 8, "crc": record + 16, "data": 38, "size": record + 24}[what]
    data[change] ^= 1
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    (one,) = walk(path)
    status = path.stat()
    with pytest.raises(ArchiveError) as caught:
        opening.Archives().open(
            Member(os.fsencode(path), b"name", one.place, one.size, status.st_mtime_ns)
        )
    assert caught.value.reason == "damaged_member"


def test_a_bomb_of_zeros_is_not_inflated_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "FREE_BYTES", 1 << 20)
    info = tarfile.TarInfo("zeros")
    info.size = 1 << 34
    deflating = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [deflating.compress(info.tobuf())]
    parts += [deflating.compress(bytes(1 << 20)) for _ in range(8)]
    path = tmp_path / "a.tar.gz"
    path.write_bytes(b"".join(parts) + deflating.flush())
    assert reasons(path) == {"zeros": "expands_too_much"}


def test_what_stands_behind_the_end_of_a_tar_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar_bytes({"one": b"x"}) + tar_bytes({"two": b"y"}))
    assert reasons(path) == {"one": "", "": "data_behind_archive"}


def test_several_gzip_streams_are_one_archive(tmp_path: Path) -> None:
    data = tar_bytes(files())
    path = tmp_path / "a.tar.gz"
    parts = [gzip.compress(data[at : at + 7000]) for at in range(0, len(data), 7000)]
    path.write_bytes(b"".join(parts) + bytes(100))
    assert reasons(path) == dict.fromkeys(files(), "")


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
def test_an_archive_that_was_cut_is_never_taken_for_a_whole_one(
    tmp_path: Path, suffix: str
) -> None:
    content = files(1, 2)
    data = zip_bytes(content) if suffix == ".zip" else tar_bytes(content, suffix, "ustar")
    path = tmp_path / f"a{suffix}"
    # A tar archive is padded with zeros, which say nothing.
    end = len(data.rstrip(b"\0")) if suffix == ".tar" else len(data)
    for length in [*range(600, end, 97), end - 1]:
        path.write_bytes(data[:length])
        found = walk(path)
        assert {one.reason for one in found} & {"truncated_archive", "damaged_archive"}, length
        # What is listed as whole is whole.
        for one in found:
            if not one.reason:
                member = Member(os.fsencode(path), b"", one.place, one.size, one.modified_ns)
                member = member._replace(name=one.path[1:])
                descriptor = opening.Archives().open(member)
                assert os.pread(descriptor, 1 << 20, 0) == content[one.path[1:].decode()]
                os.close(descriptor)


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
def test_a_damaged_archive_is_no_error_of_the_program(tmp_path: Path, suffix: str) -> None:
    content = {"a": b"x" * 700, "b" * 120: b"y" * 3000, "c": b""}
    data = zip_bytes(content) if suffix == ".zip" else tar_bytes(content, suffix)
    path = tmp_path / f"a{suffix}"
    draw, met = random.Random(4711), set()
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(draw.randint(1, 4)):
            damaged[draw.randrange(min(len(data), 6000))] = draw.randrange(256)
        path.write_bytes(damaged)
        archives = opening.Archives()
        for one in walk(tmp_path):
            if one.reason or one.place == -1:
                continue
            name = one.path.partition(b"//")[2]
            member = Member(os.fsencode(path), name, one.place, one.size, one.modified_ns)
            try:
                os.close(archives.open(member))
            except ArchiveError as error:
                met.add(error.reason)
        archives.close()
    assert met <= DAMAGES
