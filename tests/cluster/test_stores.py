"""Clusters over an object store: SOURCE, TARGET and WORK by URI, and tar files as output."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fastdeid import objects, plan
from fastdeid.engines import local, shares, verifying
from fastdeid.errors import UsageError
from tests.cluster import slurm
from tests.cluster.test_slurm import command
from tests.conversion.archive import KEY, result, tree, write_key
from tests.link_tables import read_link_table
from tests.storage.packing import files as some_files
from tests.storage.packing import write_files
from tests.storage.s3_server import Server, running

pytestmark = pytest.mark.jit

CONTENT = some_files(3, 3)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with an archive in it, and let this process and its children know of it."""
    before = dict(os.environ)
    with running(tmp_path_factory.mktemp("server") / "log") as server:
        os.environ.update(server.environment)
        server.client.create_bucket(Bucket="cluster")
        for name, data in CONTENT.items():
            server.client.put_object(Bucket="cluster", Key=f"in/{name}", Body=data)
        yield server
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what one process makes of the archive, and with the key."""
    folder = tmp_path_factory.mktemp("one")
    key = write_key(folder / "P.key", KEY)
    source = write_files(folder / "in", CONTENT)
    local.run(source, folder / "one", key=key, workers=0, pixels="off", sync=False)
    return folder


@pytest.fixture(scope="module")
def dask(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a Dask cluster that knows of the server; return its address."""
    pytest.importorskip("distributed")
    from tests.cluster.test_dask import cluster

    with cluster(tmp_path_factory.mktemp("dask"), dict(os.environ)) as (address, _):
        yield address


def stored(server: Server, prefix: str) -> dict[str, bytes]:
    """Return the objects below a prefix, by the rest of their keys."""
    found = server.client.list_objects_v2(Bucket="cluster", Prefix=f"{prefix}/")["Contents"]
    names = [one["Key"] for one in found]
    return {
        name.removeprefix(f"{prefix}/"): server.client.get_object(Bucket="cluster", Key=name)[
            "Body"
        ].read()
        for name in names
    }


def tables(folder: str | Path) -> list[Any]:
    """Return the rows of a link table."""
    rows = []
    for name in ("instances", "identities", "references"):
        with objects.as_local(f"{folder}/{name}.parquet") as file:
            rows.append(read_link_table(Path(file), KEY).to_pylist())
    return rows


def test_dask_works_from_store_to_store(server: Server, dask: str, place: Path) -> None:
    import fastdeid.engines.dask as engine

    key, target = place / "P.key", "s3://cluster/dask"
    given: Any = {"pixels": "off", "partitions": 2}
    summary = engine.run("s3://cluster/in", target, key=key, scheduler=dask, **given)
    assert (summary.files, summary.exit_code) == (len(CONTENT), 0)
    assert stored(server, "dask") == tree(place / "one")
    assert tables(f"{target}.link-table") == tables(place / "one.link-table")
    request = verifying.as_request(target, key=key, source="s3://cluster/in", use_dciodvfy=False)
    # Tasks of a job array verify it, and their parts meet in the store.
    for number in (1, 0):
        verifying.verify_part(request, number, 2, workers=0)
    merged = verifying.merge(request, 2)
    assert (merged.findings, merged.verified) == ([], summary.files - 1)
    assert {name for name in stored(server, "dask.link-table") if name.startswith("verify/")} == {
        "verify/part-00000-of-00002.json",
        "verify/part-00001-of-00002.json",
    }


def test_dask_fills_tar_files_as_one_process_does(
    dask: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fastdeid.engines.dask as engine

    monkeypatch.setattr(plan, "MAX_FILES", 3)
    given: Any = {"key": place / "P.key", "pixels": "off", "sync": False, "shard_bytes": 1 << 20}
    local.run(place / "in", tmp_path / "one", workers=0, **given)
    engine.run(place / "in", tmp_path / "out", scheduler=dask, partitions=2, **given)
    assert result(tmp_path / "out") == result(tmp_path / "one")
    assert len([name for name in tree(tmp_path / "out") if name.endswith(".tar")]) == 3


@pytest.fixture(scope="module")
def nodes(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start a Slurm whose jobs know of the server."""
    if not slurm.is_installed():
        pytest.skip("slurmctld, slurmd and munge are not installed, or we are not root")
    with slurm.running(tmp_path_factory.mktemp("slurm")) as environment:
        yield environment


def wait(nodes: dict[str, str], logs: Path) -> None:
    """Wait until all jobs have ended."""
    deadline = time.monotonic() + 180
    while slurm.queue(nodes):
        said = "\n".join(path.read_text() for path in sorted(logs.glob("*.log")))
        assert time.monotonic() < deadline, said
        time.sleep(0.3)


def test_slurm_works_from_store_to_store(
    server: Server, nodes: dict[str, str], place: Path, tmp_path: Path
) -> None:
    command(
        *("slurm", "s3://cluster/in", "s3://cluster/slurm", "--key", place / "P.key"),
        *("--scripts", tmp_path, "--partitions", "2", "--pixels", "off", "--submit"),
        env=nodes,
    )
    wait(nodes, tmp_path)
    assert stored(server, "slurm") == tree(place / "one")
    assert tables("s3://cluster/slurm.link-table") == tables(place / "one.link-table")


@pytest.mark.slow
def test_slurm_fills_tar_files_as_one_process_does(
    nodes: dict[str, str], place: Path, tmp_path: Path
) -> None:
    # A partition, hence a tar file, holds outputs of 1,024 inputs at most.
    source, key = write_files(tmp_path / "in", some_files(1, 1030)), place / "P.key"
    given: Any = {"key": key, "pixels": "off", "sync": False, "shard_bytes": 1 << 20}
    local.run(source, tmp_path / "one", workers=0, **given)
    command(
        *("slurm", source, tmp_path / "out", "--key", key, "--shard-tar", "1048576", "--no-sync"),
        *("--partitions", "2", "--pixels", "off", "--submit"),
        env=nodes,
    )
    wait(nodes, tmp_path / "out.link-table" / "slurm")
    assert result(tmp_path / "out") == result(tmp_path / "one")


# Random pseudonyms ---------------------------------------------------------------------------


def test_partitions_draw_random_pseudonyms_from_one_secret(place: Path, tmp_path: Path) -> None:
    source, key, work = place / "in", place / "P.key", tmp_path / "out.link-table"
    given: Any = {"profile": "safe-harbor", "pixels": "off", "sync": False, "partitions": 7}
    planned = shares.plan(source, work, target=tmp_path / "out", key=key, **given)
    # More partitions than patients: those of one patient are done by several tasks.
    assert planned.partitions > 3
    secret = work / "work" / "pseudonyms.key"
    assert secret.stat().st_mode & 0o777 == 0o600
    for number in reversed(range(planned.partitions)):
        shares.run_partition(work, number, workers=0)
    shares.finalise(work)
    assert not secret.exists()
    rows = read_link_table(work / "identities.parquet", KEY).to_pylist()
    patients = [row["pseudonym"] for row in rows if row["kind"] == "patient"]
    assert len(patients) == len(set(patients)) == 3
    outputs = [name for name in tree(tmp_path / "out") if name.endswith(".dcm")]
    assert {name.partition("/")[0] for name in outputs} == set(patients)
    checked = verifying.verify(
        tmp_path / "out", key=key, source=source, workers=0, use_dciodvfy=False
    )
    assert checked.findings == []


def test_random_pseudonyms_in_a_store_are_refused_before_anything_is_planned(
    server: Server, place: Path
) -> None:
    with pytest.raises(UsageError, match="random pseudonyms need a link table on a file system"):
        shares.plan(
            "s3://cluster/in",
            "s3://cluster/random",
            target="s3://cluster/out",
            key=place / "P.key",
            profile="safe-harbor",
        )
