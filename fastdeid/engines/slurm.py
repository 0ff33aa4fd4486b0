"""Scripts for Slurm: plan, an array of partitions, finalise, each after the one before."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import Final

import msgspec

from fastdeid.errors import OutputError, UsageError
from fastdeid.files import resolved
from fastdeid.replaced import replaced_file

PathLike = str | os.PathLike[str]

STEPS: Final = ("plan", "array", "finalise")

_HEAD: Final = """#!/bin/bash
#SBATCH --job-name=fastdeid-{step}
#SBATCH --output={logs}/{step}-%{number}.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@60
#SBATCH --cpus-per-task={cpus}
{more}# Written by fastdeid slurm.
set -u
umask 077
"""
# A signal for the script goes to fastdeid, which ends at a clean commit; then the task goes back
# into the queue, where it goes on.
_RUN: Final = """
stopped=
{command} {redirect}&
child=$!
trap 'stopped=1; kill -USR1 "$child" 2>/dev/null' USR1
trap 'stopped=1; kill -TERM "$child" 2>/dev/null' TERM
wait "$child"; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
{end}# 75 is a clean commit; the others are what a signal does before fastdeid has begun.
case "$stopped$code" in
    175|1138|1143) scontrol requeue "{job}" && sleep 60 ;;
esac
exit "$code"
"""
# Tasks that the plan had nothing for have nothing to do.
_ARRAY_START: Final = """
partitions=$(sed -n 's/.*"partitions": *\\([0-9][0-9]*\\).*/\\1/p' {plan})
[ -n "$partitions" ] || {{ echo "there is no plan" >&2; exit 1; }}
[ "$SLURM_ARRAY_TASK_ID" -lt "$partitions" ] || exit 0
"""


class Scripts(msgspec.Struct):
    """What was written: paths of the scripts, in their order. jobs: their numbers, if submitted."""

    folder: str
    scripts: list[str]
    jobs: list[str] = []


def write_scripts(
    folder: PathLike,
    work: PathLike,
    plan_arguments: list[str],
    *,
    partitions: int,
    at_once: int | None = None,
    cpus: int = 1,
    sbatch_options: list[str] | None = None,
) -> Scripts:
    """Write the scripts of a run.

    folder: for scripts and logs. work: folder of the link table. plan_arguments: of `fastdeid
    plan`. partitions: at most; the length of the array. at_once: tasks that may run at once. cpus:
    per task. sbatch_options: lines for #SBATCH, for all steps, such as --partition=long.

    Raises UsageError for what no script can hold, OutputError when they cannot be written.
    """
    place = os.path.realpath(folder)
    options = list(sbatch_options or ())
    for text in (place, *options):
        if not text.isprintable() or any(mark in text for mark in " %\\\"'"):
            raise UsageError("Slurm takes no space, quote, % or backslash in paths and options")
    if any(not option.startswith("-") for option in options):
        raise UsageError("an option of sbatch begins with -")
    try:
        os.makedirs(place, mode=0o700, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the scripts cannot be written: {error.strerror}") from None
    planned = os.path.join(place, "plan.json")
    array = f"--array=0-{partitions - 1}" + (f"%{at_once}" if at_once else "")
    work = resolved(work)
    texts = {
        "plan": _script("plan", place, ["plan", *plan_arguments, "--json"], cpus, options, planned),
        "array": _script("array", place, ["partition", work], cpus, [*options, array], planned),
        "finalise": _script("finalise", place, ["finalise", work], cpus, options, planned),
    }
    paths = []
    for step, text in texts.items():
        path = os.path.join(place, f"{step}.sh")
        with replaced_file(path, mode=0o700) as file:
            file.write(text.encode())
        paths.append(path)
    return Scripts(place, paths)


def _script(  # noqa: PLR0917
    step: str, place: str, arguments: list[str], cpus: int, options: list[str], planned: str
) -> str:
    is_array = step == "array"
    head = _HEAD.format(
        step=step,
        logs=place,
        number="A_%a" if is_array else "j",
        cpus=cpus,
        more="".join(f"#SBATCH {option}\n" for option in options),
    )
    start = _ARRAY_START.format(plan=shlex.quote(planned)) if is_array else ""
    unfinished = shlex.quote(f"{planned}.unfinished")
    is_plan = step == "plan"
    run = _RUN.format(
        command=shlex.join([sys.executable, "-m", "fastdeid", *arguments]),
        redirect=f"> {unfinished} " if is_plan else "",
        end=f'[ "$code" -ne 0 ] || mv {unfinished} {shlex.quote(planned)}\n' if is_plan else "",
        job="${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}" if is_array else "$SLURM_JOB_ID",
    )
    return head + start + run


def submit(scripts: Scripts) -> Scripts:
    """Submit scripts, each to start when the one before has ended well; return them with numbers.

    Raises UsageError when there is no sbatch, OutputError when it refuses.
    """
    jobs: list[str] = []
    for path in scripts.scripts:
        after = [f"--dependency=afterok:{jobs[-1]}", "--kill-on-invalid-dep=yes"] if jobs else []
        try:
            done = subprocess.run(
                ["sbatch", "--parsable", *after, path],
                capture_output=True,
                text=True,
                check=False,
                cwd=scripts.folder,
            )
        except FileNotFoundError:
            raise UsageError("there is no sbatch here; submit the scripts where there is") from None
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise OutputError(f"sbatch refuses: {said[-1] if said else 'it does not say why'}")
        jobs.append(done.stdout.strip().partition(";")[0])
    return Scripts(scripts.folder, scripts.scripts, jobs)
