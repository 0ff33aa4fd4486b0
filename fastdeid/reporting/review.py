"""The contact sheet of masked frames, before and after: PHI, for the eyes of the site alone."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from html import escape
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from fastdeid import files, manifest, shards
from fastdeid.archives.opening import as_file
from fastdeid.columns import has_output
from fastdeid.errors import DicomError, InputError, KeyFileError, UsageError
from fastdeid.keys import read_key
from fastdeid.new_file import as_output_error
from fastdeid.pixels.masked_box import MaskedBox
from fastdeid.pseudonyms import Pseudonyms
from fastdeid.reporting.frames import Frames, boxes_in, thumbnail, window_of
from fastdeid.sealing import Sealing
from fastdeid.shards import Place
from fastdeid.storage import TEMPORARY
from fastdeid.verdicts import Verdict
from fastdeid.workspace import SETTINGS_FILE, Workspace

REVIEW_FOLDER: Final = "review"
MOST: Final = 1000
_PER_PAGE: Final = 25
_FRAMES: Final = 3  # of one instance
_LARGEST: Final = 1 << 30
_READ: Final = (
    *("source_path", "source_path_bytes", "output_path", "verdict", "masks"),
    *("shard", "shard_offset", "output_size"),
)
_UNREADABLE: Final = (DicomError, OSError, ValueError, AttributeError, KeyError, StopIteration)
_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 1rem; }
figure { margin: 0 0 2rem; } figcaption { overflow-wrap: anywhere; }
img { max-width: 48%; height: auto; border: 1px solid #595959; vertical-align: top; }
.phi { color: #9a0007; font-weight: 600; } a { color: #0b4f8a; }
a:focus-visible { outline: 3px solid #b34700; }
.skip { position: absolute; left: -99rem; } .skip:focus { position: static; }
@media print { figure { break-inside: avoid; } }
"""
_HEAD: Final = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'; img-src data:\">"
    '<link rel="icon" href="data:,">'
)


class Reviewed(msgspec.Struct, frozen=True):
    """What a bundle holds. instances: with pictures. left_out: beyond MOST. unreadable: without."""

    path: str
    instances: int
    left_out: int
    unreadable: int


class _Instance(msgspec.Struct, frozen=True):
    source_path: bytes
    output_path: str
    verdict: str
    masks: list[MaskedBox]
    place: Place


def write_review(
    work: str | os.PathLike[str],
    key: str | os.PathLike[str],
    source: str | os.PathLike[str] | None = None,
) -> Reviewed:
    """Write thumbnails of masked frames and of instances to review, before and after.

    work: folder of the link table; `review` in it, mode 0700, takes the place of an earlier one.
    key: the project key's file. source: where SOURCE is now. Instances to review come first; of
    more than MOST the rest is left out.

    Raises UsageError, InputError, KeyFileError, OutputError.
    """
    folder = os.path.realpath(work)
    if not Workspace(os.path.join(folder, "work")).has(SETTINGS_FILE):
        raise UsageError("WORK is not the folder of a link table, TARGET.link-table")
    settings = Workspace(os.path.join(folder, "work")).settings
    pseudonyms = Pseudonyms(read_key(key))
    if pseudonyms.key_id != settings.key_id:
        raise KeyFileError("this run had another project key")
    originals = files.resolved(source or settings.source)
    if not files.exists(originals):
        raise InputError("SOURCE has moved: say where it is, --source")
    wanted = _instances(folder, Sealing(pseudonyms))
    path = os.path.join(folder, REVIEW_FOLDER)
    new = f"{path}.{os.getpid()}.{secrets.token_hex(4)}{TEMPORARY}"
    with as_output_error():
        os.mkdir(new, 0o700)
        try:
            found = _write_pages(new, wanted[:MOST], originals, settings.target)
            if os.path.isdir(path):
                shutil.rmtree(path)
            os.rename(new, path)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return Reviewed(path, found, len(wanted) - len(wanted[:MOST]), len(wanted[:MOST]) - found)


def _instances(folder: str, sealing: Sealing) -> list[_Instance]:
    try:
        path = os.path.join(folder, manifest.INSTANCES_FILE)
        table = sealing.read_table(path, list(_READ))
    except FileNotFoundError:
        raise InputError("there is no instances.parquet: is the run finished?") from None
    except (pa.ArrowException, OSError, ValueError):
        raise InputError("instances.parquet cannot be read") from None
    review = pc.equal(table.column("verdict").cast(pa.string()), Verdict.REVIEW.value)
    looked_at = pc.or_(review, pc.is_valid(table.column("masks")))
    rows = table.filter(pc.and_(has_output(table.column("verdict")), looked_at)).to_pylist()
    found = [_instance(row) for row in rows]
    # Otherwise in no order of SOURCE, so that those left out are of all of it.
    return sorted(found, key=lambda one: (one.verdict != Verdict.REVIEW, _order(one.output_path)))


def _order(path: str) -> bytes:
    return hashlib.md5(path.encode(), usedforsecurity=False).digest()


def _instance(row: dict[str, Any]) -> _Instance:
    source = row["source_path_bytes"] or (row["source_path"] or "").encode()
    masks = msgspec.json.decode(row["masks"] or "[]", type=list[MaskedBox])
    place = Place(row["shard"] or "", row["shard_offset"] or 0, row["output_size"])
    return _Instance(source, row["output_path"], str(row["verdict"]), masks, place)


def _write_pages(folder: str, wanted: list[_Instance], source: str, target: str) -> int:
    """Write all pages and return how many instances have pictures."""
    n_pages = max(1, -(-len(wanted) // _PER_PAGE))
    found = 0
    for page in range(n_pages):
        figures = []
        for one in wanted[page * _PER_PAGE : (page + 1) * _PER_PAGE]:
            pictures = _pictures(one, source, target)
            found += bool(pictures)
            figures.append(_figure(one, pictures))
        name = os.path.join(folder, _name(page))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(_page(page, n_pages, figures))
    return found


def _name(page: int) -> str:
    return "index.html" if not page else f"page-{page + 1:03}.html"


def _page(page: int, n_pages: int, figures: list[str]) -> str:
    links = " ".join(
        f'<a href="{_name(one)}"{" aria-current=page" * (one == page)}>page {one + 1}</a>'
        for one in range(n_pages)
    )
    content = "".join(figures) or "<p>Nothing was masked, and nothing is to review.</p>"
    return (
        f"{_HEAD}<title>Masked frames, page {page + 1}</title><style>{_STYLE}</style></head><body>"
        '<a class="skip" href="#main">To the pictures</a>'
        "<header><h1>Masked frames, before and after</h1>"
        '<p class="phi">Pictures of patients as they came: not to be passed on.</p></header>'
        f'<nav aria-label="Pages">{links}</nav>'
        f'<main id="main" tabindex="-1">{content}</main></body></html>\n'
    )


def _figure(one: _Instance, pictures: list[tuple[int, bytes, bytes]]) -> str:
    reasons = ", ".join(sorted({mask.reason for mask in one.masks})) or "nothing masked"
    caption = f"{escape(one.verdict)}: {escape(one.output_path)}, {escape(reasons)}"
    if not pictures:
        return f"<figure><figcaption>{caption}; cannot be shown</figcaption></figure>"
    return "".join(
        f"<figure>{_image(before, f'frame {frame + 1} before')} "
        f"{_image(after, f'frame {frame + 1} after')}"
        f"<figcaption>{caption}, frame {frame + 1}</figcaption></figure>"
        for frame, before, after in pictures
    )


def _image(png: bytes, what: str) -> str:
    return f'<img alt="{what}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def _pictures(one: _Instance, source: str, target: str) -> list[tuple[int, bytes, bytes]]:
    """Return frame, picture before and picture after; none of a file that cannot be shown."""
    try:
        with (
            as_file(os.fsencode(source), one.source_path) as original,
            shards.as_file(target, one.output_path, one.place) as output,
        ):
            return _compared(one, original, os.fsencode(output))
    except _UNREADABLE:
        return []


def _compared(one: _Instance, *paths: bytes) -> list[tuple[int, bytes, bytes]]:
    if any(os.path.getsize(path) > _LARGEST for path in paths):
        return []
    before, after = (Frames(os.fsdecode(path)) for path in paths)
    shown = []
    # Boxes in overlays and icons are not of these frames.
    masks = [mask for mask in one.masks if not mask.is_elsewhere]
    for frame in _frames(masks):
        samples = before.samples(frame)
        window, boxes = window_of(samples), boxes_in(masks, frame)
        was = thumbnail(before.picture(samples, window), boxes)
        shown.append((frame, was, thumbnail(after.picture(after.samples(frame), window))))
    return shown


def _frames(masks: list[MaskedBox]) -> Iterator[int]:
    """Yield the first frames of the first few different runs of boxes, from 0; 0 for no box."""
    firsts = sorted({mask.first_frame - 1 for mask in masks})
    yield from firsts[:_FRAMES] or [0]
