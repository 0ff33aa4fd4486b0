"""Join letters to lines of text: boxes that stand beside each other at about the same height."""

from __future__ import annotations

import numba as nb

# Columns of `boxes`: a letter's box, end exclusive, and its mean grey.
TOP, LEFT, BOTTOM, RIGHT, GREY = 0, 1, 2, 3, 4

_KERNEL = {"cache": True, "nogil": True, "_nrt": False}
_helper = nb.extending.register_jitable(_nrt=False, forceinline=True)

_BOXES = nb.types.Array(nb.int32, 2, "C", readonly=True)
_LABELS = nb.types.Array(nb.int32, 1, "C")


@_helper
def _root(labels, number):
    while labels[number] != number:
        labels[number] = labels[labels[number]]
        number = labels[number]
    return number


@_helper
def _belong(boxes, one, other, reach, tolerance):
    """Whether two boxes are of one line; points and dashes are lower than their neighbours."""
    high = boxes[one, BOTTOM] - boxes[one, TOP]
    low = boxes[other, BOTTOM] - boxes[other, TOP]
    if low > high:
        high, low = low, high
    overlap = min(boxes[one, BOTTOM], boxes[other, BOTTOM]) - max(
        boxes[one, TOP], boxes[other, TOP]
    )
    if 2 * overlap < low:
        return False
    gap = max(boxes[one, LEFT], boxes[other, LEFT]) - min(boxes[one, RIGHT], boxes[other, RIGHT])
    if 100 * gap > reach * high:
        return False
    if high > 2 * low and 200 * gap > reach * high:
        return False
    return abs(boxes[one, GREY] - boxes[other, GREY]) <= tolerance


@nb.njit([nb.int64(_BOXES, nb.int64, nb.int64, _LABELS)], **_KERNEL)
def group_lines(boxes, reach, tolerance, labels):
    """Give boxes of one line the same label; return the number of lines.

    boxes: shape (n, 5), sorted by LEFT. reach: the widest gap between neighbours, in hundredths of
    the higher one's height; half of that for a box less than half as high. tolerance: the largest
    difference of their greys. labels: shape (n,), written, in the order of each line's first box.
    """
    n_boxes = boxes.shape[0]
    highest = 0
    for number in range(n_boxes):
        labels[number] = number
        highest = max(highest, boxes[number, BOTTOM] - boxes[number, TOP])
    for one in range(n_boxes):
        other = one + 1
        while other < n_boxes:
            if 100 * (boxes[other, LEFT] - boxes[one, RIGHT]) > reach * highest:
                break
            if _belong(boxes, one, other, reach, tolerance):
                first, second = _root(labels, one), _root(labels, other)
                if first < second:
                    labels[second] = first
                else:
                    labels[first] = second
            other += 1
    n_lines = 0
    for number in range(n_boxes):
        parent = labels[number]
        if parent == number:
            labels[number] = n_lines
            n_lines += 1
        else:
            labels[number] = labels[parent]
    return n_lines
