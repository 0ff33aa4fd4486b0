"""The three steps of a run: plan, run the partitions that have no part, finalise.

Any engine calls these; none of them starts a process. A run that was killed at any moment is
continued by the same calls with the same arguments.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
import pyarrow.compute as pc

from fastdeid import drawn_key, files, manifest, objects, plan
from fastdeid.draft import Draft
from fastdeid.errors import KeyFileError, OutputError, UsageError
from fastdeid.finalise import finalise
from fastdeid.folders import Paths
from fastdeid.objects import is_remote
from fastdeid.sealing import Sealing
from fastdeid.settling import Again
from fastdeid.shards import is_shard, remove_others
from fastdeid.standing import COLUMNS, Files
from fastdeid.storage import TEMPORARY
from fastdeid.summary import INTERNAL_ERROR, Summary, tally
from fastdeid.verdicts import Verdict
from fastdeid.workspace import PLAN_FILE, SETTINGS_FILE, Settings, Workspace

WORK_FOLDER: Final = "work"


def open_workspace(place: Paths | Settings, sealing: Sealing) -> Workspace:
    """Return the working folder of a run, which may not exist yet."""
    return Workspace(os.path.join(place.link_table, WORK_FOLDER), sealing)


# Settings ------------------------------------------------------------------------------------


def check_settings(workspace: Workspace, settings: Settings) -> None:
    """Refuse to mix two runs in one TARGET or one link table.

    Raises KeyFileError when the earlier start had another key, UsageError when it had another
    SOURCE, TARGET, profile or version, or when TARGET holds the outputs of an unknown run.
    """
    done = files.exists(os.path.join(settings.target, manifest.MANIFEST_FILE))
    if done and not workspace.has(SETTINGS_FILE):
        raise UsageError(
            "TARGET holds the outputs of a run whose link table is not here; "
            "name its folder with --link-table, or choose another TARGET"
        )
    if not done and not workspace.has(PLAN_FILE):
        if settings.shard_bytes and holds_shards(settings.target):
            raise UsageError("TARGET holds shards of an unknown run; choose another TARGET")
        return
    before = workspace.settings
    if before.key_id != settings.key_id:
        raise KeyFileError("this run was started with another project key")
    for name, what in _COMPARED:
        if getattr(before, name) != getattr(settings, name):
            raise UsageError(
                f"the link table's folder belongs to a run with another {what}; "
                "choose another TARGET, or another --link-table"
            )


_COMPARED: Final = (
    ("source", "SOURCE"),
    ("target", "TARGET"),
    ("profile", "profile"),
    ("fastdeid_version", "version of fastdeid"),
    ("profile_digest", "version of the profile"),
    ("options", "set of options"),
    ("digests", "choice of --digests"),
    ("template", "template of output paths"),
    ("link_table_key", "key of the link table"),
    ("crosswalk_digest", "crosswalk"),
    ("shared_subjects", "choice of --shared-subjects"),
    ("pixels", "choice of --pixels"),
    ("shard_bytes", "choice of --shard-tar"),
)


def holds_shards(target: str) -> bool:
    """Whether a folder holds files that are named like shards."""
    return os.path.isdir(target) and any(is_shard(name) for name in os.listdir(target))


def create_folders(workspace: Workspace, settings: Settings) -> None:
    """Create TARGET and the link table's folder, and keep the settings.

    Raises OutputError when one of them cannot be written.
    """
    try:
        files.make_folders(settings.target)
    except OSError as error:
        raise OutputError(f"TARGET cannot be created: {error.strerror}") from None
    if not is_remote(settings.target) and not os.access(settings.target, os.W_OK | os.X_OK):
        raise OutputError("TARGET cannot be written")
    workspace.write_settings(settings)


# Plan ----------------------------------------------------------------------------------------

NEW: Final = "new"
RESUMED: Final = "resumed"
CHANGED: Final = "changed"
FINISHED: Final = "finished"


def make_plan(
    workspace: Workspace, draft: Draft, workers: int, *, n_shares: int | None = None
) -> str:
    """Make sure that the working folder holds the plan of SOURCE; return what was found there.

    NEW: there was no plan. RESUMED: there is one, not all of it is done. FINISHED: all of it is
    done and all outputs stand. CHANGED: SOURCE has changed since, so it was planned anew.

    draft: what a walk of SOURCE has found; its files are removed. workers: partitions are made
    small enough for so many. n_shares: the plan is made for at most so many tasks instead. A plan
    that exists is kept as it is. With random pseudonyms, their key is drawn with the plan.

    Raises UsageError when a run has to go on whose random pseudonyms cannot be drawn again.
    """
    state = _found(workspace, draft)
    if state in (NEW, CHANGED):
        workspace.remove_summary()
        rate = plan.rate_of(workspace.settings.pixels)
        cost = plan.cost_of(draft.n_files, draft.size, rate)
        pieces = plan.pieces(draft.batches())
        limit = None if n_shares is None else plan.share_limit(cost, n_shares)
        if workspace.settings.shard_bytes:
            # A shard holds outputs of one partition: cuts must depend on SOURCE alone.
            limit = plan.largest(rate)
        cuts = plan.cut(pieces, cost, workers, limit, rate)
        shares = [0, len(cuts.sizes)]
        if n_shares is not None:
            shares = plan.share(cuts, n_shares, rate)
        workspace.write_plan(draft.batches(), cuts, shares=shares, digest=draft.digest)
    draft.remove()
    return state


def _found(workspace: Workspace, draft: Draft) -> str:
    """Return the state of a run before it is planned; draw or ask for its random key."""
    random = workspace.settings.pseudonyms == drawn_key.RANDOM
    if workspace.has_plan():
        same = workspace.plan.digest == draft.digest
        if same and is_finished(workspace):
            drawn_key.destroy(workspace)  # a run may be killed between its last two steps
            workspace.remove_stale_parts()
            return FINISHED
        if random:
            drawn_key.require(workspace)
        if same:
            workspace.remove_stale_parts()
            return RESUMED
        return CHANGED
    if random:
        if files.exists(os.path.join(workspace.settings.target, manifest.MANIFEST_FILE)):
            drawn_key.require(workspace)
        drawn_key.draw(workspace)
    return NEW


def is_finished(workspace: Workspace) -> bool:
    """Whether a run is finished, its tables are there, and so are its outputs."""
    settings = workspace.settings
    finished = read_finished(workspace)
    if finished is None or finished.table_sizes != _table_sizes(settings):
        return False
    if _WORTH_ANOTHER_TRY & finished.summary.reasons.keys():
        return False
    instances = os.path.join(settings.link_table, manifest.INSTANCES_FILE)
    try:
        return _outputs_stand(settings.target, _expected(workspace.sealing, instances))
    except (ValueError, OSError):
        return False


def _expected(sealing: Sealing, instances: str) -> Iterator[tuple[str, int]]:
    """Yield path and size of every output that a link table promises, or of its shard."""
    files = Files()
    with sealing.parquet_file(instances) as file:
        for rows in file.iter_batches(columns=COLUMNS):
            yield from files.add(rows)
    yield from files.shards()


def _outputs_stand(target: str, expected: Iterable[tuple[str, int]]) -> bool:
    if is_remote(target):
        return _objects_stand(target, expected)
    prefix = target + "/"
    try:
        return all(os.stat(prefix + path).st_size == size for path, size in expected)
    except OSError:
        return False


def _objects_stand(target: str, expected: Iterable[tuple[str, int]]) -> bool:
    """Tell of objects what `_outputs_stand` tells of files, with a request for each series."""
    by_folder = itertools.groupby(expected, lambda one: os.path.dirname(one[0]))
    for folder, outputs in by_folder:
        try:
            found = dict(files.sizes(os.path.join(target, folder).rstrip("/")))
        except OSError:
            return False
        if any(found.get(os.path.basename(path)) != size for path, size in outputs):
            return False
    return True


def unfinished_partitions(
    workspace: Workspace, state: str, numbers: range | None = None
) -> list[int]:
    """Return the partitions that must run: no part, or an output of theirs is not there.

    Also those with an input that could not be read, and may be by now.

    state: what `make_plan` returned. The outputs of a new run need no look. numbers: of the
    partitions that are asked for, all by default.
    """
    asked = range(workspace.n_partitions) if numbers is None else numbers
    if state in (NEW, CHANGED):
        return list(asked)
    left = [
        number
        for number in asked
        if not part_stands(workspace, number) or _may_improve(workspace, number)
    ]
    for number in left:
        workspace.remove_part(number)
    return left


# What need not happen again at the next start: a disk or a network may have recovered since.
_WORTH_ANOTHER_TRY: Final = frozenset(
    {
        f"{Verdict.UNREADABLE}:read_error",
        f"{Verdict.UNREADABLE}:no_permission",
        f"{Verdict.UNREADABLE}:not_found",
        f"{Verdict.QUARANTINED}:changed_while_read",
        f"{Verdict.QUARANTINED}:{INTERNAL_ERROR}",
    }
)


def _may_improve(workspace: Workspace, number: int) -> bool:
    part = workspace.read_part(number)
    if part is None:
        return True
    columns = (part.table.column(name).to_pylist() for name in ("verdict", "reason"))
    return bool(_WORTH_ANOTHER_TRY & tally(*columns).keys())


def missing_shares(workspace: Workspace) -> list[int]:
    """Return the shares that are not proved complete.

    Complete: for each partition of a share there is a part of this plan that nobody has changed; it
    has a row for each file, and every output that it promises stands with its length.
    """
    shares = workspace.plan.shares
    return [
        share
        for share, (first, after) in enumerate(itertools.pairwise(shares))
        if not all(part_stands(workspace, number) for number in range(first, after))
    ]


def part_stands(workspace: Workspace, number: int) -> bool:
    """Whether a partition is committed and all its outputs are there."""
    part = workspace.read_part(number)
    if part is None:
        return False
    files = Files()
    standing = pc.not_equal(pc.fill_null(part.table.column("published"), ""), "different")
    expected = itertools.chain(files.add(part.table.filter(standing)), files.shards())
    return _outputs_stand(workspace.settings.target, expected)


def sweep_shards(workspace: Workspace) -> None:
    """Remove the shards that no row of a finished run names. Raises OutputError."""
    settings = workspace.settings
    if settings.shard_bytes:
        path = os.path.join(settings.link_table, manifest.INSTANCES_FILE)
        named = pc.unique(workspace.sealing.read_table(path, ["shard"]).column("shard"))
        remove_others(settings.target, {name for name in named.to_pylist() if name})


_OURS: Final = (".", f"{manifest.MANIFEST_FILE}.")
_OUTPUT: Final = ".dcm"


def sweep(target: str) -> None:
    """Remove what killed workers left: unfinished files under temporary names, uploads.

    Also outputs without a byte: what a power failure leaves of files that were not flushed.
    """
    if is_remote(target):
        with contextlib.suppress(OSError):
            objects.sweep(target)
        return
    for folder, _, names in os.walk(target):
        for name in names:
            path = os.path.join(folder, name)
            with contextlib.suppress(FileNotFoundError):
                temporary = name.endswith(TEMPORARY) and name.startswith(_OURS)
                if temporary or (name.endswith(_OUTPUT) and not os.lstat(path).st_size):
                    os.unlink(path)


# End -----------------------------------------------------------------------------------------


def finish(workspace: Workspace, again: Again) -> Summary:
    """Finalise. The run counts as finished when `keep_finished` has kept the summary."""
    summary = finalise(workspace, again)
    settings = workspace.settings
    summary.target = settings.target
    summary.link_table = settings.link_table
    summary.manifest = os.path.join(settings.target, manifest.MANIFEST_FILE)
    summary.profile = f"{settings.profile} {settings.profile_version}"
    return summary


class Finished(msgspec.Struct):
    """The sign that a run is finished: its summary, and the sizes of its tables in bytes."""

    summary: Summary
    table_sizes: list[int]


def keep_finished(workspace: Workspace, summary: Summary) -> None:
    """Declare the run finished; then no pseudonym can be drawn any more."""
    finished = Finished(summary, _table_sizes(workspace.settings))
    workspace.write_summary(msgspec.json.format(msgspec.json.encode(finished)))
    drawn_key.destroy(workspace)


def read_finished(workspace: Workspace) -> Finished | None:
    """Return what a finished run has kept, None when the run is not finished."""
    try:
        return msgspec.json.decode(workspace.read_summary() or b"", type=Finished)
    except msgspec.DecodeError:
        return None


def _table_sizes(settings: Settings) -> list[int]:
    """Return the sizes of the tables, -1 for one that is not there."""
    paths = (
        os.path.join(settings.link_table, manifest.INSTANCES_FILE),
        os.path.join(settings.link_table, manifest.IDENTITIES_FILE),
        os.path.join(settings.link_table, manifest.REFERENCES_FILE),
        os.path.join(settings.target, manifest.MANIFEST_FILE),
    )
    return [files.size_of(path) if files.exists(path) else -1 for path in paths]
