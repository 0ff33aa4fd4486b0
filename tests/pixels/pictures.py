"""Pictures in every layout that stored samples have: what they hold, and how they are stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from fastdeid.pixels.masks import Layout
from tests.pixels.files import COLUMNS, ROWS

Samples = npt.NDArray[Any]
View = npt.NDArray[np.float64]


class Picture(NamedTuple):
    """A layout. more: attributes of the Image Pixel module. black: the stored sample of a mask.

    stored: returns the stored values of a view between 0 and 1, (ROWS, COLUMNS[, 3]).
    """

    more: Mapping[str, Any]
    stored: Callable[[View], Samples]
    black: Any = 0

    def layout(self) -> Layout:
        """Return it as codecs take it."""
        bits = self.more.get("BitsAllocated", 8)
        stored = self.more.get("BitsStored", bits)
        return Layout(
            *(ROWS, COLUMNS, self.more["PhotometricInterpretation"]),
            *(self.more.get("SamplesPerPixel", 1), bits, stored, stored - 1),
            signed=self.more.get("PixelRepresentation", 0) == 1,
            planar_configuration=self.more.get("PlanarConfiguration", 0),
        )


def _levels(least: int, largest: int, kind: Any) -> Callable[[View], Samples]:
    def stored(view: View) -> Samples:
        return np.asarray(np.rint(least + view * (largest - least)).astype(kind))

    return stored


def _grey(
    least: int, largest: int, kind: Any, *, black: int, name: str = "MONOCHROME2", **more: Any
) -> Picture:
    return Picture(
        {"PhotometricInterpretation": name, **more}, _levels(least, largest, kind), black
    )


def _colour(name: str, *, bits: int = 8, planar: int = 0) -> Picture:
    """Return colours; what YBR_RCT and YBR_ICT code is red, green and blue."""
    is_ybr = name in {"YBR_FULL", "YBR_FULL_422"}
    peak, kind = (1 << bits) - 1, np.dtype(f"u{bits // 8}")

    def stored(view: View) -> Samples:
        if is_ybr:
            planes = [view, np.full_like(view, 0.45), np.full_like(view, 0.55)]
        else:
            planes = [view, view * 0.9, view * 0.5]
        return np.asarray(np.rint(np.stack(planes, 2) * peak).astype(kind))

    more = {"PhotometricInterpretation": name, "SamplesPerPixel": 3, "BitsAllocated": bits}
    more["PlanarConfiguration"] = planar
    return Picture(more, stored, (16, 128, 128) if is_ybr else 0)


def _palette(*, segmented: bool = False) -> Picture:
    """Return a palette of 256 entries of 16 bits, which grow; the darkest is entry 3, or 0."""
    entries = np.linspace(9000, 65535, 256).astype("<u2")
    data = np.array([0, 1, 1000, 1, 255, 65535], "<u2")  # discrete, then linear (C.7.9.2)
    more: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    entries[3] = 0
    for name in ("Red", "Green", "Blue"):
        more[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        kind = "Segmented" if segmented else ""
        table = data if segmented else entries
        more[f"{kind}{name}PaletteColorLookupTableData"] = table.tobytes()
    return Picture(more, _levels(0, 255, np.uint8), 0 if segmented else 3)


_TWELVE: Final[dict[str, Any]] = {"BitsAllocated": 16, "BitsStored": 12}
PICTURES: Final = {
    "8 bits": _grey(0, 255, np.uint8, black=0),
    "MONOCHROME1": _grey(255, 0, np.uint8, black=255, name="MONOCHROME1"),
    "12 bits": _grey(0, 4095, np.uint16, black=0, **_TWELVE),
    "12 bits, signed": _grey(-2048, 2047, np.int16, black=-2048, PixelRepresentation=1, **_TWELVE),
    "16 bits": _grey(0, 65535, np.uint16, black=0, BitsAllocated=16),
    "32 bits": _grey(0, 1 << 31, np.uint32, black=0, BitsAllocated=32),
    "1 bit": Picture(
        {"PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 1},
        lambda view: (view > 0.7).astype(np.uint8),
    ),
    "palette": _palette(),
    "segmented palette": _palette(segmented=True),
    "RGB": _colour("RGB"),
    "RGB by plane": _colour("RGB", planar=1),
    "RGB, 16 bits": _colour("RGB", bits=16),
    "YBR_FULL": _colour("YBR_FULL"),
    "YBR_FULL_422": _colour("YBR_FULL_422"),
    "YBR_RCT": _colour("YBR_RCT"),
    "YBR_ICT": _colour("YBR_ICT"),
}


def native(samples: Samples, picture: Picture, order: Literal["<", ">"] = "<") -> bytes:
    """Return a native frame of samples as the attributes of a picture say; order: "<" or ">"."""
    if samples.dtype.itemsize > 1:
        samples = samples.astype(samples.dtype.newbyteorder(order))
    if picture.more.get("BitsAllocated") == 1:
        return np.packbits(samples.reshape(-1), bitorder="little").tobytes()
    if picture.more["PhotometricInterpretation"] == "YBR_FULL_422":  # Y1 Y2 Cb Cr (C.7.6.3.1.2)
        pairs = np.empty((ROWS, COLUMNS // 2, 4), samples.dtype)
        pairs[..., 0], pairs[..., 1] = samples[:, 0::2, 0], samples[:, 1::2, 0]
        pairs[..., 2:] = samples[:, 0::2, 1:]
        return pairs.tobytes()
    if picture.more.get("PlanarConfiguration") == 1:
        return np.ascontiguousarray(np.moveaxis(samples, 2, 0)).tobytes()
    return samples.tobytes()


def samples_of(raw: bytes, picture: Picture) -> Samples:
    """Return the stored values of a native frame, little endian: what `native` was made of."""
    bits, name = picture.layout().bits_allocated, picture.more["PhotometricInterpretation"]
    if bits == 1:
        flat = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
        return flat[: ROWS * COLUMNS].reshape(ROWS, COLUMNS)
    sign = "i" if picture.layout().signed else "u"
    flat = np.frombuffer(raw, f"<{sign}{bits // 8}")
    if name == "YBR_FULL_422":
        pairs = flat[: ROWS * COLUMNS * 2].reshape(ROWS, COLUMNS // 2, 4)
        return pairs[..., [[0, 2, 3], [1, 2, 3]]].reshape(ROWS, COLUMNS, 3)
    if picture.more.get("PlanarConfiguration") == 1:
        return np.moveaxis(flat[: ROWS * COLUMNS * 3].reshape(3, ROWS, COLUMNS), 0, 2)
    return flat[: ROWS * COLUMNS * picture.layout().samples_per_pixel].reshape(
        (ROWS, COLUMNS) if picture.layout().samples_per_pixel == 1 else (ROWS, COLUMNS, 3)
    )
