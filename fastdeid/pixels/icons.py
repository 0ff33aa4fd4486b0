"""Images that items hold and that stay, as Icon Image Sequence (0088,0200), PS3.3 C.7.6.1.1.6."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np

from fastdeid.dicom.loaded import Loaded
from fastdeid.kernels.elements import FLAGS, FRAGMENTS, LENGTH, N_COLUMNS, OPERATION, PARENT, TAG
from fastdeid.pixels.masked_box import MaskedBox
from fastdeid.pixels.masks import Box, Layout
from fastdeid.tags import PIXEL_DATA

_ICON_IMAGE_SEQUENCE: Final = 0x00880200
_KEPT: Final = 0


class Icon(NamedTuple):
    """An image in an item. row: of its Pixel Data. item: the row of the item.

    rows, columns: of the image that it is an icon of; 0 when it is one of another image.
    """

    row: int
    item: int
    rows: int
    columns: int

    def scaled(self, boxes: Iterable[MaskedBox], layout: Layout) -> list[tuple[Box, float]]:
        """Return what boxes of the image are in its icon, each with its score.

        layout: of the icon.
        """
        if not (self.rows and self.columns):
            return []
        down, across = layout.rows / self.rows, layout.columns / self.columns
        found = {
            Box(
                int(box.top * down),
                int(box.left * across),
                min(math.ceil(box.bottom * down), layout.rows),
                min(math.ceil(box.right * across), layout.columns),
            ): box.score
            for box in boxes
            if not box.is_elsewhere
        }
        return sorted(found.items())


def kept_icons(loaded: Loaded, rows: slice, size: tuple[int, int]) -> Iterator[Icon]:
    """Yield the native images in items of the file `rows` that stay.

    The table's OPERATION has been decided. size: rows and columns of the file's own image, 0 for
    none. Coded ones are left out: where they are kept, nobody has looked into them.
    """
    table = loaded.table[rows]
    nested = (table[:, TAG] == PIXEL_DATA) & (table[:, PARENT] >= 0)
    nested &= (table[:, OPERATION] == _KEPT) & (table[:, LENGTH] > 0)
    nested &= table[:, FLAGS] & FRAGMENTS == 0
    for row in (np.flatnonzero(nested) + rows.start).tolist():
        item = loaded.cells[row * N_COLUMNS + PARENT]
        sequence = loaded.cells[item * N_COLUMNS + PARENT]
        at = sequence * N_COLUMNS
        is_own = loaded.cells[at + TAG] == _ICON_IMAGE_SEQUENCE and loaded.cells[at + PARENT] < 0
        yield Icon(row, item, *(size if is_own else (0, 0)))
