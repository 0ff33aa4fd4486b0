"""Fill boxes of native frames."""

from __future__ import annotations

import numba as nb

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}

_BOXES = nb.types.Array(nb.int32, 2, "C", readonly=True)
_BYTES = nb.types.Array(nb.uint8, 5, "C")
_WORDS = nb.types.Array(nb.uint16, 5, "C")
_LONGS = nb.types.Array(nb.uint32, 5, "C")
_BYTE_FILL = nb.types.Array(nb.uint8, 2, "C", readonly=True)
_WORD_FILL = nb.types.Array(nb.uint16, 2, "C", readonly=True)
_LONG_FILL = nb.types.Array(nb.uint32, 2, "C", readonly=True)


@nb.njit(
    [
        nb.void(_BYTES, _BOXES, _BYTE_FILL),
        nb.void(_WORDS, _BOXES, _WORD_FILL),
        nb.void(_LONGS, _BOXES, _LONG_FILL),
    ],
    **_KERNEL,
)
def fill_boxes(frames, boxes, fill):
    """Set every sample inside the boxes to the fill, in place, in every frame.

    frames: shape (frames, planes, rows, columns, samples). boxes: shape (n, 4), top, left, bottom,
    right, end exclusive, clipped by the caller. fill: shape (planes, samples), bit patterns.
    """
    n_frames, planes, _, _, samples = frames.shape
    for frame in range(n_frames):
        for plane in range(planes):
            for box in range(boxes.shape[0]):
                for row in range(boxes[box, 0], boxes[box, 2]):
                    for column in range(boxes[box, 1], boxes[box, 3]):
                        for sample in range(samples):
                            frames[frame, plane, row, column, sample] = fill[plane, sample]
