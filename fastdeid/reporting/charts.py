"""Charts as inline SVG. Each one repeats what a table beside it says, and says so to a reader."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import count
from typing import Final

_WIDTH: Final = 640
_ROW: Final = 24
_LABEL: Final = 230
_NUMBER: Final = 90
_HEIGHT: Final = 220
_MARGIN: Final = 56
_MOST_BARS: Final = 12
_LONGEST: Final = 32
# A line of more points than pixels shows nothing more.
_MOST_POINTS: Final = 500

_numbers = count()


def bars(title: str, rows: Sequence[tuple[str, float]], unit: str = "") -> str:
    """Return horizontal bars, the largest ones; rows: (label, value), at least one."""
    shown = rows[:_MOST_BARS]
    most = max([value for _, value in shown], default=0) or 1
    span = _WIDTH - _LABEL - _NUMBER
    parts = []
    for number, (label, value) in enumerate(shown):
        y = number * _ROW
        width = max(span * value / most, 1 if value else 0)
        parts.append(
            f'<text x="{_LABEL - 8}" y="{y + 16}" text-anchor="end">{escape(_cut(label))}</text>'
            f'<rect x="{_LABEL}" y="{y + 4}" width="{width:.1f}" height="16"/>'
            f'<text x="{_LABEL + width + 6:.1f}" y="{y + 16}">{_number(value)}{escape(unit)}</text>'
        )
    rest = f"; {len(rows) - len(shown)} more in the table" if len(rows) > len(shown) else ""
    return _svg(title + rest, len(shown) * _ROW, "".join(parts))


def columns(title: str, values: Sequence[float], ends: tuple[str, str]) -> str:
    """Return vertical bars in equal steps; ends: labels of the first and of the last step."""
    most = max(values, default=0) or 1
    step = (_WIDTH - 2 * _MARGIN) / max(len(values), 1)
    parts = []
    for number, value in enumerate(values):
        height = (_HEIGHT - 60) * value / most
        x, y = _MARGIN + number * step, _HEIGHT - 30 - height
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{step - 3:.1f}" height="{height:.1f}"/>'
            f'<text x="{x + step / 2:.1f}" y="{y - 5:.1f}" text-anchor="middle">'
            f"{_number(value)}</text>"
        )
    base = _HEIGHT - 10
    parts.append(f'<text x="{_MARGIN}" y="{base}">{escape(ends[0])}</text>')
    parts.append(
        f'<text x="{_WIDTH - _MARGIN}" y="{base}" text-anchor="end">{escape(ends[1])}</text>'
    )
    return _svg(title, _HEIGHT, "".join(parts))


def line(title: str, points: Sequence[tuple[float, float]], axes: tuple[str, str]) -> str:
    """Return a line from the origin; points: ascending x, y >= 0; axes: what x and y are."""
    shown = points[:: max(1, len(points) // _MOST_POINTS)]
    shown = [*shown, points[-1]] if points else []
    right = max([x for x, _ in shown], default=0) or 1
    top = max([y for _, y in shown], default=0) or 1
    across, up = _WIDTH - 2 * _MARGIN, _HEIGHT - 60
    path = " ".join(
        f"{_MARGIN + across * x / right:.1f},{_HEIGHT - 30 - up * y / top:.1f}" for x, y in shown
    )
    left, base = _MARGIN, _HEIGHT - 30
    body = (
        f'<polyline points="{path}"/>'
        f'<path d="M{left},{base - up} V{base} H{left + across}"/>'
        f'<text x="{left}" y="{_HEIGHT - 10}">0</text>'
        f'<text x="{left + across}" y="{_HEIGHT - 10}" text-anchor="end">'
        f"{_number(right)} {escape(axes[0])}</text>"
        f'<text x="{left}" y="{base - up - 8}">{_number(top)} {escape(axes[1])}</text>'
    )
    return _svg(title, _HEIGHT, body)


def _svg(title: str, height: float, body: str) -> str:
    name = f"chart{next(_numbers)}"
    return (
        f'<svg role="img" aria-labelledby="{name}" viewBox="0 0 {_WIDTH} {height:.0f}">'
        f'<title id="{name}">{escape(title)}</title>{body}</svg>'
    )


def _cut(label: str) -> str:
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2f}"
