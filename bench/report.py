"""Results of the benchmark as text: lines while it runs, a Markdown table at the end."""

from __future__ import annotations

from typing import Any

from bench.timing import Series

TITLES = {
    "ct": "CT slices, 512 x 512, 16 bit",
    "header": "header-heavy, 12 KB",
    "multiframe": "enhanced multi-frame, 50 to 100 MB",
}


def figures(result: dict[str, Any]) -> dict[str, float]:
    """Return the figures of one corpus that the table shows; costs are marginal, per file."""
    ours, copy = Series(**result["fastdeid"]), Series(**result["cp"])
    n_files, worker = result["n_files"], result["worker"]
    rounds = zip(ours.rounds(), copy.rounds(), strict=True)
    ratios = sorted(one / other for one, other in rounds if other > 0)
    shown = {
        "microseconds": ours.marginal_seconds / n_files * 1e6,
        "cp_microseconds": copy.marginal_seconds / n_files * 1e6,
        "ratio": ours.marginal_seconds / copy.marginal_seconds,
        "ratio_fastest": ours.fastest_seconds / copy.fastest_seconds,
        "ratio_lowest": ratios[0] if ratios else float("nan"),
        "ratio_highest": ratios[-1] if ratios else float("nan"),
        "megabytes_per_second": result["n_bytes"] / ours.marginal_seconds / 1e6,
        "files_per_cpu_second": worker["n_files"] / worker["cpu_seconds"],
    }
    if "pydicom" in result:
        loop = result["pydicom"]
        seconds = loop["wall_seconds"] / loop["n_files"]
        shown["loop_microseconds"] = seconds * 1e6
        shown["loop_ratio"] = seconds / (ours.marginal_seconds / n_files)
    return shown


def corpus_lines(name: str, result: dict[str, Any]) -> str:
    """Return a few lines about one corpus, with microseconds per file and stage."""
    shown, worker = figures(result), result["worker"]
    n_files = result["n_files"]
    lines = [
        f"{TITLES[name]}: N = {n_files} files, {result['n_bytes'] / 1e6:.0f} MB",
        f"  fastdeid {shown['microseconds']:.1f} us/file, cp -r {shown['cp_microseconds']:.1f}",
        (
            f"  ratio {shown['ratio']:.2f}, of the fastest runs {shown['ratio_fastest']:.2f}, "
            f"in single rounds {shown['ratio_lowest']:.2f} to {shown['ratio_highest']:.2f}"
        ),
        (
            f"  one worker: {shown['files_per_cpu_second']:.0f} files per CPU second, "
            f"{worker['n_ok']} of {worker['n_files']} ok"
        ),
        "  stages, us/file: " + stage_text(worker),
    ]
    if "loop_ratio" in shown:
        lines.append(
            f"  pydicom loop, one process, {result['pydicom']['n_files']} files: "
            f"{shown['loop_microseconds']:.0f} us/file, {shown['loop_ratio']:.1f} times as long"
        )
    return "\n".join(lines)


def stage_text(worker: dict[str, Any]) -> str:
    """Return microseconds per file by stage, and what lies between the stages."""
    each = {name: seconds / worker["n_files"] for name, seconds in worker["stage_seconds"].items()}
    whole = worker["wall_seconds"] / worker["n_files"]
    each["other"] = whole - sum(each.values())
    return ", ".join(f"{name} {seconds * 1e6:.1f}" for name, seconds in each.items())


def table(results: dict[str, Any]) -> str:
    """Return the Markdown table of README, and the lines below it."""
    machine = results["machine"]
    lines = ["", *corpus_rows(results["corpora"]), "", *single_lines(results)]
    lines.append(
        f"{results['workers']} workers on {machine['cpus']} CPUs, {machine['system']}, "
        f"Python {machine['python']}, load at start {machine['load_average_at_start']:.2f}"
    )
    return "\n".join(lines)


def corpus_rows(corpora: dict[str, Any]) -> list[str]:
    """Return the rows of the Markdown table, none where no corpus was measured."""
    lines = [
        "| corpus | files (N) | us per file | of `cp -r` | files per CPU s | MB/s | pydicom loop |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, result in corpora.items():
        shown = figures(result)
        loop = f"{shown['loop_ratio']:.0f} x" if "loop_ratio" in shown else ""
        lines.append(
            f"| {TITLES[name]} | {result['n_files']:,} | {shown['microseconds']:.0f} | "
            f"{shown['ratio']:.2f} x | {shown['files_per_cpu_second']:,.0f} | "
            f"{shown['megabytes_per_second']:,.0f} | {loop} |"
        )
    return lines if corpora else []


def single_lines(results: dict[str, Any]) -> list[str]:
    """Return the lines about start-up and memory, where they were measured."""
    lines = []
    if "start_up" in results:
        start_up = results["start_up"]
        lines.append(
            f"start-up: --help {start_up['help_seconds']:.2f} s, "
            f"first output {start_up['first_file_seconds']:.2f} s, "
            f"a run over one file {start_up['one_file_seconds']:.2f} s"
        )
    if "peak_memory_bytes" in results:
        peak = results["peak_memory_bytes"] / 1e6
        lines.append(f"memory: at most {peak:.0f} MB in a process of a run over a 4 GB file")
    return lines
