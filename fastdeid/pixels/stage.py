"""The stages on one instance's pixels: region rules, ultrasound regions, text, masks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from fastdeid import tags
from fastdeid.errors import DicomError
from fastdeid.identity import Identity
from fastdeid.pixels.coded import CodedSource
from fastdeid.pixels.display import Display
from fastdeid.pixels.examine import (
    Examination,
    FrameMask,
    Masks,
    examination_of,
    examine_frames,
)
from fastdeid.pixels.expectation import LIKELY, thresholds_for
from fastdeid.pixels.filled import BoxesOf, boxes_of
from fastdeid.pixels.icons import Icon
from fastdeid.pixels.image import Image, wanted_tags
from fastdeid.pixels.judgement import Judgement
from fastdeid.pixels.keeping import Decided, Keeper, Kept
from fastdeid.pixels.masked_box import IN_ICON, IN_OVERLAY, MaskedBox
from fastdeid.pixels.masks import Box, Layout, darkest_index, fill_samples
from fastdeid.pixels.ocr import Reader
from fastdeid.pixels.planes import Plane, with_overlay_bits
from fastdeid.pixels.regions import RegionRules, find_boxes, outside_regions
from fastdeid.pixels.source import (
    Clear,
    ClearedChunk,
    FrameSource,
    NativeSource,
    PixelValue,
    Replacement,
)
from fastdeid.pixels.spool import Spool
from fastdeid.pixels.text import Thresholds
from fastdeid.pixels.views import View, views_of
from fastdeid.storage import Chunk

Samples = npt.NDArray[Any]
Clearing = tuple[Clear, ClearedChunk]
Known = Callable[[], Identity]

ULTRASOUND: Final = "outside_ultrasound_regions"
TOO_MUCH: Final = "text_over_a_quarter"
_SEGMENTATION: Final = "1.2.840.10008.5.1.4.1.1.66.4"
# Beyond so many the boxes of devices are forgotten.
_MOST: Final = 1 << 12


def _nobody() -> Identity:
    return Identity(())


class Stages(msgspec.Struct, frozen=True):
    """Which stages run. rules: of known devices, None for none.

    keeps_measurements: lines that an OCR engine reads as such are not masked.
    """

    rules: RegionRules | None
    ultrasound_regions: bool
    text: bool
    keeps_measurements: bool = False


class Treated(msgspec.Struct):
    """What became of one instance's pixels.

    judgement: "clean", "masked" or "review". examined: text was sought in every frame. n_masked:
    frames with masks. replacement: None when nothing was masked. spool: to be closed when the
    output is written. ranges: what stands instead of ranges of the source that begin at a byte.
    size: rows and columns of the frames.
    """

    judgement: str
    examined: bool
    n_frames: int
    n_masked: int = 0
    boxes: tuple[MaskedBox, ...] = ()
    replacement: Replacement | None = None
    spool: Spool | None = None
    ranges: dict[int, list[Chunk]] = msgspec.field(default_factory=dict)
    size: tuple[int, int] = (0, 0)

    def add(self, other: Treated) -> None:
        """Add what became of an overlay of the instance."""
        if self.judgement != Judgement.REVIEW and other.judgement != Judgement.CLEAN:
            self.judgement = other.judgement
        self.boxes += other.boxes
        self.ranges |= other.ranges


class Looked(NamedTuple):
    """The pixels of one instance, what was found in them, and what was decided of its lines."""

    image: Image
    source: FrameSource
    found: Examination
    decided: tuple[Decided, ...] = ()


class PixelStage:
    """Takes the pixels of one instance after another through the stages.

    folder: for what waits to be written, None for the system's.
    """

    def __init__(self, stages: Stages, folder: str | None = None) -> None:
        self._stages = stages
        self._folder = folder
        self._keywords: dict[str, int] = {}
        if stages.rules is not None:
            self._keywords = stages.rules.attributes()
        self._wanted = wanted_tags(self._keywords.values())
        self._known: dict[tuple[object, ...], list[tuple[Box, str]]] = {}
        self._keeper = Keeper(Reader()) if stages.keeps_measurements else None

    def look(
        self,
        rows: slice,
        value: PixelValue,
        transfer_syntax: str,
        clearing: Clearing | None = None,
        *,
        known: Known = _nobody,
        bits: Collection[int] = (),
    ) -> Looked | None:
        """Find what must go; None for pixels that no stage is about.

        rows: of the file. value: its Pixel Data. clearing: of overlays in bits that no sample uses.
        known: returns what the headers know of people, when lines may be kept. bits: of the
        samples in which overlays stay.
        Raises DicomError when frames must be looked at or masked and cannot be, and OSError.
        """
        image = Image(value.loaded, rows, value.fd, self._wanted)
        sop_class = image.text(tags.SOP_CLASS_UID) or ""
        if sop_class == _SEGMENTATION and image.number(tags.BITS_ALLOCATED, 0) == 1:
            return None
        layout = image.layout()
        rules = self._rule_masks(image, layout)
        if not (rules or self._stages.text):
            return None
        source = _open(image, layout, value, transfer_syntax, clearing)
        if self._stages.text:
            kept = Kept(_examine(image, source, rules), ())
            if self._keeper is not None and kept.found.judgement is not Judgement.CLEAN:
                view_of = _views(image, source)
                kept = self._keeper.without_kept(kept.found, view_of, source.n_frames, known())
            seen = () if _hides_bits(value, source) else sorted(bits)
            found = with_overlay_bits(kept.found, source, seen)
            return Looked(image, source, found, kept.decided)
        return Looked(image, source, examination_of(rules, {}, (layout.rows, layout.columns)))

    def treat(
        self,
        rows: slice,
        value: PixelValue,
        transfer_syntax: str,
        clearing: Clearing | None = None,
        *,
        known: Known = _nobody,
        bits: Collection[int] = (),
    ) -> Treated | None:
        """Find and mask what must go; None for pixels that no stage is about.

        As `look`. Raises DicomError also when text covers too much of a frame, and OutputError when
        there is no room.
        """
        looked = self.look(rows, value, transfer_syntax, clearing, known=known, bits=bits)
        if looked is None:
            return None
        found = looked.found
        if found.judgement is Judgement.TOO_MUCH:
            raise DicomError(TOO_MUCH, tags.PIXEL_DATA)
        examined = self._stages.text and not (bits and _hides_bits(value, looked.source))
        treated = Treated(str(found.judgement), examined, looked.source.n_frames)
        treated.size = looked.source.layout[:2]
        if found.judgement is not Judgement.CLEAN:
            self._mask(treated, looked.image, looked.source, found)
        if treated.replacement is not None and treated.replacement.chunks is not None:
            treated.ranges[value.start] = treated.replacement.chunks
        return treated

    def look_at_overlay(self, plane: Plane, value: PixelValue) -> Looked:
        """Find text in an overlay plane. value: its Overlay Data. Raises DicomError as `treat`."""
        image = Image(value.loaded, slice(0, 0), value.fd, self._wanted)
        return Looked(image, *_overlay(plane, value))

    def treat_overlay(self, plane: Plane, value: PixelValue) -> Treated:
        """Clear the bits of text in an overlay plane. value: its Overlay Data.

        Raises DicomError when its length is not that of its frames. However much is text, the image
        loses nothing by it.
        """
        source, found = _overlay(plane, value)
        return _filled(source, found, (0,), f"{IN_OVERLAY}{plane.group & 0xFF:02X}", value.start)

    def look_at_icon(
        self, rows: slice, icon: Icon, value: PixelValue, boxes: Iterable[MaskedBox] = ()
    ) -> Looked:
        """Find text in a native image that an item holds.

        rows: of the file. value: the icon's Pixel Data. boxes: what is masked in the image of the
        file, and so in its icon, too. Raises DicomError as `look`.
        """
        return Looked(*self._icon(rows, icon, value, boxes))

    def _icon(
        self, rows: slice, icon: Icon, value: PixelValue, boxes: Iterable[MaskedBox]
    ) -> tuple[Image, NativeSource, Examination]:
        image = Image(value.loaded, rows, value.fd, self._wanted, icon.item)
        layout = _as_written(image.layout(), value, image.n_frames)
        source = NativeSource(value, layout, image.n_frames)
        shown = icon.scaled(boxes, layout)
        rules = tuple(FrameMask(box, IN_ICON, score) for box, score in shown)
        return image, source, _examine(image, source, rules, LIKELY)

    def treat_icon(
        self, rows: slice, icon: Icon, value: PixelValue, boxes: Iterable[MaskedBox] = ()
    ) -> Treated:
        """Mask what `look_at_icon` finds; however much it is, the image loses nothing by it."""
        image, source, found = self._icon(rows, icon, value, boxes)
        is_clean = found.judgement is Judgement.CLEAN
        fill = () if is_clean else _fill(image, source.layout)
        return _filled(source, found, fill, IN_ICON, value.start)

    def _rule_masks(self, image: Image, layout: Layout) -> Masks:
        """Return what is masked without looking."""
        boxes: list[tuple[Box, str]] = []
        if self._stages.rules is not None:
            boxes += self._device_boxes(image, self._stages.rules, layout)
        if self._stages.ultrasound_regions:
            regions = list(image.ultrasound_regions())
            outside = outside_regions(regions, layout.rows, layout.columns)
            boxes += [(box, ULTRASOUND) for box in outside]
        return tuple(FrameMask(box, reason, 1.0) for box, reason in boxes)

    def _device_boxes(
        self, image: Image, rules: RegionRules, layout: Layout
    ) -> list[tuple[Box, str]]:
        """Return the boxes of the rules that hold; the instances of a series ask once."""
        values = {keyword: image.text(tag) for keyword, tag in self._keywords.items()}
        key = (layout.rows, layout.columns, *values.values())
        boxes = self._known.get(key)
        if boxes is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            boxes = find_boxes(rules, values.__getitem__, layout.rows, layout.columns)
            self._known[key] = boxes
        return boxes

    def _mask(
        self, treated: Treated, image: Image, source: FrameSource, found: Examination
    ) -> None:
        """Fill the boxes, and note which."""
        layout = source.layout
        fill = _fill(image, layout)
        treated.boxes, treated.n_masked = boxes_of(found, source)
        treated.spool = Spool(self._folder)
        chosen = BoxesOf(found)
        try:
            treated.replacement = source.masked(chosen, fill, treated.spool)
        except BaseException:
            treated.spool.close()
            raise


def _overlay(plane: Plane, value: PixelValue) -> tuple[NativeSource, Examination]:
    source = NativeSource(value, plane.layout, plane.n_frames)
    return source, examine_frames(
        lambda frame: source.samples(frame) * np.uint8(255), plane.n_frames, thresholds=LIKELY
    )


def _filled(
    source: NativeSource, found: Examination, fill: tuple[int, ...], reason: str, start: int
) -> Treated:
    """Fill the boxes of an image beside the one of the file. start: of its value."""
    is_unsure = found.judgement in {Judgement.REVIEW, Judgement.TOO_MUCH}
    judgement = Judgement.REVIEW if is_unsure else found.judgement
    treated = Treated(str(judgement), examined=True, n_frames=source.n_frames)
    if judgement is not Judgement.CLEAN:
        boxes, _ = boxes_of(found, source)
        treated.boxes = tuple(msgspec.structs.replace(box, reason=reason) for box in boxes)
        chunks = source.masked(BoxesOf(found), fill).chunks
        if chunks is not None:
            treated.ranges[start] = chunks
    return treated


def _open(
    image: Image,
    layout: Layout,
    value: PixelValue,
    transfer_syntax: str,
    clearing: Clearing | None,
) -> FrameSource:
    if not value.is_encapsulated:
        n_frames = image.n_frames
        return NativeSource(value, _as_written(layout, value, n_frames), n_frames, clearing)
    from fastdeid.codecs import codec_for

    codec = codec_for(transfer_syntax, layout)
    raw = image.raw(tags.EXTENDED_OFFSET_TABLE) or b""
    extended = np.frombuffer(raw[: len(raw) // 8 * 8], "<u8").tolist()
    return CodedSource(value, codec, image.n_frames, extended)


def _hides_bits(value: PixelValue, source: FrameSource) -> bool:
    """Tell whether decoding takes away bits beside Bits Stored: the sign is drawn through them."""
    return value.is_encapsulated and source.layout.signed


def _as_written(layout: Layout, value: PixelValue, n_frames: int) -> Layout:
    """Return a layout that says shared chrominance of samples that are all there as YBR_FULL.

    What decompresses JPEG often leaves YBR_FULL_422 behind. By its length it is what it is.
    """
    if not layout.is_subsampled:
        return layout
    whole = layout._replace(photometric_interpretation="YBR_FULL")
    is_whole = value.length - n_frames * whole.frame_length in {0, 1}
    return whole if is_whole else layout


class _Kept:
    """Reads frames; those that are asked for twice are kept."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        last = source.n_frames - 1
        self._twice = {0, source.n_frames // 2, last}
        self._held: dict[int, Samples] = {}

    def __call__(self, frame: int) -> Samples:
        if frame in self._held:
            return self._held[frame]
        samples = self._source.samples(frame)
        if frame in self._twice:
            self._held[frame] = samples
        return samples


def _views(image: Image, source: FrameSource) -> Callable[[int], View]:
    """Return what shows frame i in 8 bits, all frames in the window of the first one."""
    display = Display(source.layout, image)
    if display.needs_range:
        last = source.n_frames - 1
        display.use_range(source.samples(frame) for frame in sorted({0, last}))
    return views_of(lambda frame: display.show(source.samples(frame)))


def _examine(
    image: Image, source: FrameSource, rules: Masks, thresholds: Thresholds | None = None
) -> Examination:
    display = Display(source.layout, image)
    read = _Kept(source)
    if display.needs_range:
        last = source.n_frames - 1
        display.use_range(read(frame) for frame in sorted({0, source.n_frames // 2, last}))
    names = (tags.MODALITY, tags.IMAGE_TYPE, tags.SOP_CLASS_UID, tags.BURNED_IN_ANNOTATION)
    return examine_frames(
        lambda frame: display.show(read(frame)),
        source.n_frames,
        thresholds=thresholds or thresholds_for(*(image.text(tag) or "" for tag in names)),
        rules=rules,
    )


def _fill(image: Image, layout: Layout) -> tuple[int, ...]:
    if layout.photometric_interpretation != "PALETTE COLOR":
        return fill_samples(layout, falling=image.is_falling)
    (red, green, blue), first, _ = image.palette()
    return fill_samples(layout, palette_index=darkest_index(red, green, blue, first))
