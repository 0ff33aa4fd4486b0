"""The report as one HTML page: no script, no request, readable by keyboard and on paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

from fastdeid.profile_text import REVERSIBLE
from fastdeid.profiles.tables import read_uids
from fastdeid.reporting.charts import bars, columns, line
from fastdeid.reporting.figures import LEAST_OFFSETS, SMALL_CELL, Figures
from fastdeid.rules import Profile
from fastdeid.verdicts import WITH_OUTPUT

# Nothing is loaded, from anywhere: the page is all there is.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE: Final = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 0; }
header, nav, main, footer { max-width: 60rem; margin: 0 auto; padding: 0 1rem; }
h1 { margin: 1.5rem 0 0; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #767676; }
a { color: #0b4f8a; } a:focus-visible, summary:focus-visible { outline: 3px solid #b34700; }
.skip { position: absolute; left: -999px; } .skip:focus { position: static; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #d0d0d0;
  overflow-wrap: anywhere; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; max-width: 48rem; display: block; }
svg text { font: 13px system-ui, sans-serif; fill: #1a1a1a; } svg rect { fill: #2a6f97; }
svg polyline { fill: none; stroke: #2a6f97; stroke-width: 2; }
svg path { fill: none; stroke: #595959; }
.bad { color: #9a0007; font-weight: 600; }
summary { cursor: pointer; }
@media print { nav, .skip { display: none; } h2 { break-after: avoid; }
  svg, tr { break-inside: avoid; }
  a { color: inherit; text-decoration: none; } }
"""
_MOST_ROWS: Final = 200


def render(figures: Figures, profile: Profile | None) -> str:
    """Return the page. profile: the run's, None when its file has gone."""
    sections = [
        ("verdicts", "Verdicts", _verdicts(figures)),
        ("reasons", "Files without an output", _reasons(figures)),
        ("profile", "Profile", _profile(figures, profile)),
        ("actions", "Actions", _actions(figures, profile)),
        ("throughput", "Throughput", _throughput(figures)),
        ("content", "What was released", _content(figures)),
        ("masks", "Masked pixels", _masks(figures)),
        ("graph", "Studies and references", _graph(figures)),
        ("dates", "Dates", _dates(figures)),
        ("cells", "Small cells", _cells(figures)),
    ]
    links = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title, _ in sections)
    body = "".join(
        f'<section aria-labelledby="{name}"><h2 id="{name}" tabindex="-1">{title}</h2>{content}'
        "</section>"
        for name, title, content in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<link rel="icon" href="data:,">'
        f"<title>De-identification report</title><style>{_STYLE}</style></head><body>"
        '<a class="skip" href="#main">Skip to the report</a>'
        f"<header><h1>De-identification report</h1>{_head(figures)}</header>"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>'
        f'<main id="main" tabindex="-1">{body}</main>'
        f"<footer><p>fastdeid {escape(figures.settings.fastdeid_version)}. This page holds counts "
        "and values of the research manifest, and nothing of a patient.</p></footer>"
        "</body></html>\n"
    )


def _head(figures: Figures) -> str:
    released = sum(files for verdict, files in figures.verdicts if verdict in WITH_OUTPUT)
    settings = figures.settings
    return (
        f"<p>{figures.files:,} files read, {released:,} released, with profile "
        f"{escape(settings.profile_version and _profile_name(figures))}.</p>"
    )


def _profile_name(figures: Figures) -> str:
    """Return the name of the profile; of a file, its name without the folders."""
    name = figures.settings.profile.replace("\\", "/").rpartition("/")[2]
    return f"{name}, version {figures.settings.profile_version}"


# Sections ------------------------------------------------------------------------------------


def _verdicts(figures: Figures) -> str:
    rows = [(verdict, files, _share(files, figures.files)) for verdict, files in figures.verdicts]
    chart = bars("Files by verdict", [(verdict, files) for verdict, files in figures.verdicts])
    return (
        chart
        + _table("Files by verdict", ("Verdict", "Files", "Share"), rows)
        + _table("Bytes", ("What", "Bytes"), figures.sizes)
    )


def _reasons(figures: Figures) -> str:
    if not figures.reasons:
        return "<p>Every file has an output of its own.</p>"
    chart = bars("Files by reason", _merged(figures.reasons))
    return chart + _table(
        "Files by verdict, reason and element",
        ("Verdict", "Reason", "Element", "Files"),
        figures.reasons,
    )


def _merged(rows: Iterable[Sequence[Any]]) -> list[tuple[str, float]]:
    """Return the sum of the last column by the second one, the largest first."""
    totals: dict[str, float] = {}
    for row in rows:
        totals[row[1]] = totals.get(row[1], 0) + row[-1]
    return sorted(totals.items(), key=lambda pair: -pair[1])


def _profile(figures: Figures, profile: Profile | None) -> str:
    settings = figures.settings
    rows = [
        ("Profile", _profile_name(figures)),
        ("De-identification Method (0012,0063)", settings.method),
        ("Options", ", ".join(settings.options) or "none"),
        ("Digest of the compiled profile", settings.profile_digest),
        ("Project key", f"id {settings.key_id}"),
        ("Output paths", settings.template),
    ]
    text = _table("Profile of the run", ("What", "Value"), rows)
    if profile is None:
        return text + "<p>The profile's file is not there any more, or has changed.</p>"
    if profile.settings.reversible:
        text += f"<p>{REVERSIBLE}</p>"
    return text + _table(
        "Codes claimed in (0012,0064)",
        ("Code", "Scheme", "Meaning"),
        [tuple(code) for code in profile.codes],
    )


def _actions(figures: Figures, profile: Profile | None) -> str:
    rows = [
        (count.operation, count.total, f"{count.median:,.0f}", count.most)
        for count in figures.counts
    ]
    heads = ("Elements", "In all", "Per output, median", "Per output, most")
    chart = bars("Elements by operation", [(row[0], row[1]) for row in rows])
    leaks = (
        f"<p>In {figures.cleaned:,} outputs the leak check found an original in an element that "
        "the profile keeps; it was cleaned there.</p>"
    )
    return chart + _table("Elements by operation", heads, rows) + leaks + _attributes(profile)


def _attributes(profile: Profile | None) -> str:
    """Return what the profile does to every attribute of Table E.1-1, to be unfolded."""
    if profile is None:
        return ""
    from fastdeid.reporting.attributes import attribute_rows

    rows = attribute_rows(profile)
    table = _table("Actions of the profile", ("Tag", "Attribute", "Code"), rows, most=len(rows))
    return (
        f"<details><summary>What the profile does to {len(rows)} attributes of PS3.15 "
        f"Table E.1-1</summary>{table}</details>"
    )


def _throughput(figures: Figures) -> str:
    text = ""
    if len(figures.progress) > 1:
        points = [(0.0, 0.0)] + [(seconds, files) for seconds, files, _ in figures.progress]
        text += line("Files committed over time", points, ("s since the first commit", "files"))
        seconds, files, size = figures.progress[-1]
        if seconds > 0:
            first = figures.progress[0]
            rows = [
                ("partitions", f"{len(figures.progress):,}"),
                ("seconds from the first commit to the last", f"{seconds:,.1f}"),
                ("files per second between them", f"{(files - first[1]) / seconds:,.0f}"),
                ("MB per second between them", f"{(size - first[2]) / seconds / 1e6:,.1f}"),
            ]
            text += _table("Commits, pauses included", ("What", "Value"), rows)
    if figures.stages:
        text += bars("Seconds by stage", figures.stages, " s")
        text += _table(
            "Seconds by stage, summed over workers",
            ("Stage", "Seconds"),
            [(name, f"{seconds:,.2f}") for name, seconds in figures.stages],
        )
    return text or "<p>The parts of the run are not there any more.</p>"


_TITLES: Final = {
    "modality": "Modality",
    "transfer_syntax_uid": "Transfer syntax",
    "sop_class_uid": "SOP Class",
    "body_part_examined": "Body part examined",
    "manufacturer": "Manufacturer",
    "photometric_interpretation": "Photometric interpretation",
}


def _content(figures: Figures) -> str:
    text = ""
    for name, rows in figures.breakdowns.items():
        title = _TITLES[name]
        named = [(_uid_name(value), files, patients) for value, files, patients in rows]
        if name in {"modality", "transfer_syntax_uid"} and named:
            text += bars(f"Outputs by {title.lower()}", [(row[0], row[1]) for row in named])
        text += _table(f"Outputs by {title.lower()}", (title, "Outputs", "Patients"), named)
    return text


def _uid_name(value: str) -> str:
    keyword = read_uids().get(value, ("", ""))[1]
    return f"{keyword} {value}" if keyword else value


def _masks(figures: Figures) -> str:
    if not figures.masked:
        return "<p>No frame was examined.</p>"
    text = _table("Frames looked at", ("What", "Number"), figures.masked)
    if not figures.shares:
        return text + "<p>Nothing was masked.</p>"
    text += bars("Instances by masked share of their pixels", figures.shares)
    heads = ("Masked share", "Instances")
    text += _table("Instances by masked share of their pixels", heads, figures.shares)
    return text + _table("Masked boxes by reason", ("Reason", "Boxes"), figures.masks)


def _graph(figures: Figures) -> str:
    text = _table("Patients, studies, series", ("What", "Number"), figures.graph)
    if not figures.references:
        return text + "<p>No output refers to a file of the source that has no output.</p>"
    return text + _table(
        "References of outputs to instances that have none",
        ("Verdict of the instance", "Reason", "References"),
        figures.references,
    )


def _dates(figures: Figures) -> str:
    text = _table("Date offsets", ("Check", "Result"), figures.dates)
    if not figures.offsets:
        return text + f"<p>Fewer than {LEAST_OFFSETS} patients: no distribution is drawn.</p>"
    return text + columns(
        "Patients by size of their offset, ten equal parts of the range",
        figures.offsets,
        ("least", "most"),
    )


def _cells(figures: Figures) -> str:
    if not figures.small:
        return f"<p>Every cell has {SMALL_CELL} patients or more.</p>"
    text = (
        f"<p>{figures.n_small:,} combinations of modality, body part and manufacturer have fewer "
        f"than {SMALL_CELL} patients. Who knows one of them by these may find them.</p>"
    )
    heads = ("Modality", "Body part", "Manufacturer", "Patients")
    return text + _table("Small cells, the smallest first", heads, figures.small)


# Tables --------------------------------------------------------------------------------------


def _table(
    caption: str, heads: Sequence[str], rows: Sequence[Sequence[Any]], most: int = _MOST_ROWS
) -> str:
    """Return a table; of more rows than `most`, the first ones and how many were left out."""
    numbers = [bool(rows) and isinstance(rows[0][place], int) for place in range(len(heads))]
    head = "".join(
        f'<th scope="col"{_class(number)}>{escape(title)}</th>'
        for title, number in zip(heads, numbers, strict=True)
    )
    body = "".join(_row(row, numbers) for row in rows[:most])
    rest = f"<p>{len(rows) - most:,} more are not shown.</p>" if len(rows) > most else ""
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{rest}"
    )


def _row(row: Sequence[Any], numbers: Sequence[bool]) -> str:
    cells = []
    for place, (value, number) in enumerate(zip(row, numbers, strict=True)):
        text = f"{value:,}" if isinstance(value, (int, float)) else escape(str(value))
        tag, scope = ("th", ' scope="row"') if not place else ("td", "")
        bad = ' class="bad"' if value == "NO" else _class(number)
        cells.append(f"<{tag}{scope}{bad}>{text}</{tag}>")
    return f"<tr>{''.join(cells)}</tr>"


def _class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""
